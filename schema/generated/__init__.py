"""What flatc makes of ``xlite.fbs`` (see ``schema/generate.py``). Only the writer imports it."""
