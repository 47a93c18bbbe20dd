"""``python -m drtool`` is ``drtool``."""

from drtool.cli.main import main

main()
