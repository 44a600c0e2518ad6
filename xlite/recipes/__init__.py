"""Training recipes, one file each; ``xlite train NAME`` runs one. Copy one to write your own: ``xlite train
mine.py``.

A recipe's ``expected`` is filled in from a run's log, never by guess; without it the recipe was not measured yet.
"""
