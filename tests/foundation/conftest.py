"""A filled network for modules that change nothing for good, made once for each of them."""

import shutil

import pytest

from foundation.clock import ManualClock
from foundation.database import open_database
from foundation.identity.models import Membership
from foundation.identity.scope import Role
from tests.conftest import START, empty
from tests.network import make_network

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="module", params=DATABASES)
def filled(request, tmp_path_factory):
    """A network in which the technician of one dealer also works for the other one.

    The databases are emptied by the `database` fixture, so a module asks for one or the other.
    """
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("filled") / "millwright.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        database = open_database(f"sqlite:///{path}")
    else:
        database = request.getfixturevalue("postgresql")
        empty(database)
    network = make_network(database, ManualClock(START))
    with network.transaction() as session:
        session.add(
            Membership(
                person_id=network.people["technician"],
                organisation_id=network.organisations["other_dealer"],
                role=Role.TECHNICIAN,
            )
        )
    return network
