"""``manage.py up``: starts the parts of Cedar, keeps them running, and stops them in order.

No Django here: the supervisor stays small and goes on when a part cannot even be imported.
"""
