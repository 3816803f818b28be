"""The run-time check of shapes and types in the tests; an int is a float, as in every signature."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
