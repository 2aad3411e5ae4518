"""One question each: NAME.py, or a folder NAME where it takes more."""
