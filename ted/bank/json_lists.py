"""Lists in JSON columns, as conditions of a query, in the words of either database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class _Elements(GenericFunction[Any]):
    """The elements of a list as rows of one column, `value`."""

    name = "ted_elements"
    inherit_cache = True


@compiles(_Elements)
def _compiled(elements: _Elements, compiler: Any, **options: Any) -> str:
    on_postgresql = compiler.dialect.name == "postgresql"
    function = "json_array_elements_text" if on_postgresql else "json_each"
    return f"{function}{compiler.function_argspec(elements, **options)}"


def has_text(column: Any, text: str) -> ColumnElement[bool]:
    """Whether the list in the column has this text."""
    elements = _Elements(column).table_valued("value")
    return select(elements.c.value).where(elements.c.value == text).exists()
