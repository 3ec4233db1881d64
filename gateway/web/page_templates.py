"""The templates of pages: every value is escaped, and an unknown one is an error."""

from __future__ import annotations

import jinja2


def page_templates(*folders: str) -> jinja2.Environment:
    """Those of the folders below `templates`; of two with one name, that of the first folder."""
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("gateway.web", f"templates/{folder}") for folder in folders]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # otherwise each use asks the file system whether the file has changed
    )
