"""Rows into the new database, one at a time, so that each refusal has its own reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from mlmcsc.store.adoption.converting import UnfitError
from mlmcsc.store.models import metadata


class Inserter:
    """Inserts rows of one table; the schema's own constraints judge them.

    Args:
        cursor: Of the new database, in a transaction.
        table: Table name.
        columns: The columns given.
        label_range: For the reasons.
    """

    def __init__(
        self,
        cursor: driver.Cursor,
        table: str,
        columns: Sequence[str],
        label_range: tuple[float, float],
    ) -> None:
        self._cursor = cursor
        self._table = metadata.tables[table]
        names = ",".join(columns)
        marks = ",".join(f":{name}" for name in columns)
        self._sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        self._range = label_range

    def insert(self, values: Mapping[str, Any]) -> None:
        """Insert one row.

        Raises:
            UnfitError: The schema refuses it; nothing was inserted.
        """
        try:
            self._cursor.execute(self._sql, values)
        except driver.IntegrityError as error:
            raise UnfitError(self._reason(str(error), values)) from None

    def _reason(self, message: str, values: Mapping[str, Any]) -> str:
        what, _, name = message.partition(" constraint failed")
        name = name.removeprefix(": ")
        if what == "CHECK":
            return self._broken_check(name, values)
        if what == "FOREIGN KEY":
            return self._dangling(values)
        column = name.rpartition(".")[2]
        if what == "NOT NULL":
            return f"{column} is missing"
        return f"{column}: another row has the same"

    def _broken_check(self, name: str, values: Mapping[str, Any]) -> str:
        column = name.removeprefix(f"ck_{self._table.name}_").removesuffix("_range")
        if column in {"label", "prediction", "original_prediction"}:
            low, high = self._range
            rule = f"{low:g} to {high:g}"
        else:
            checks = (c for c in self._table.constraints if isinstance(c, sa.CheckConstraint))
            rule = next((str(c.sqltext) for c in checks if c.name == name), name)
        return f"{column}={values.get(column)!r}: the rule is {rule}"

    def _dangling(self, values: Mapping[str, Any]) -> str:
        for key in self._table.foreign_keys:
            column, parent = key.parent.name, key.column.table.name
            query = f"SELECT 1 FROM {parent} WHERE {key.column.name} = ?"
            if self._cursor.execute(query, (values[column],)).fetchone() is None:
                return f"{column}={values[column]}: no such row in {parent} (dangling or rejected)"
        return "a foreign key points nowhere"
