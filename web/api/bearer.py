"""Who calls the API: the holder of a token in the Authorization header, and nobody else.

A cookie means nothing here, so no page of another site can call in a person's name.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask_login import current_user

from foundation.errors import Forbidden
from foundation.identity.api_tokens import ApiScope

P = ParamSpec("P")
R = TypeVar("R")


def needs(scope: ApiScope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A view for tokens that were made for this."""

    def wrap(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if scope not in current_user.api_scopes:
                raise Forbidden("This token was not made for this: %(scope)s.", scope=scope)
            return view(*args, **kwargs)

        return guarded

    return wrap
