"""Reading objects that strangers sent. Runs only in the limited child process of ``imaging.sandbox``.

Nothing here imports Django, opens the database or knows the clinic: bytes in, plain values out.
"""
