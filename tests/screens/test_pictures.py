"""That no page is without a picture; the pictures themselves are for people (`make screens`)."""

from __future__ import annotations

from gateway.web.console.routes import ROUTES
from tests.screens.pictures import (
    AFTERWARDS,
    DOORS,
    EMPTY,
    NOT_A_PAGE,
    OF_ONE,
    PUBLIC,
    STATES,
    of_routes,
)


def test_each_page_of_the_console_has_a_picture_and_each_picture_a_name_of_its_own() -> None:
    pictures = of_routes()
    names = [each.name for each in (*pictures, *STATES, *EMPTY, *DOORS, *PUBLIC, *AFTERWARDS)]
    paths = {route.path for route in ROUTES if route.method == "GET"}

    assert len(pictures) == len(paths - NOT_A_PAGE.keys())
    assert len(set(names)) == len(names)
    assert {*NOT_A_PAGE, *OF_ONE} <= paths
