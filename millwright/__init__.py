"""The composition root: wiring, command line, migrations, demo.

Checked here, before anything that an older Python could not even read is imported.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"millwright: needs Python 3.11 to 3.13; this is {sys.version.split()[0]}.")
