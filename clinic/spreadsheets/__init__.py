"""The clinic's own lists in and out: patients, examinations, reports, billing states and images from a table.

It stands above all rooms and writes only through their services. A file is read as rows of text
(``tables``), its columns are recognised (``columns``), each row becomes a ``Visit`` or a refusal
(``visits``), and batches of visits become records (``importing``).
"""
