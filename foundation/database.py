"""The relational database: base class, column types, the session guard and the transaction edge.

A session carries the `Scope` it acts for. The guard adds that scope's filter to every ORM query on
a scoped table and refuses to write rows outside it; a session without a scope cannot query.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Executable,
    FromClause,
    Integer,
    MetaData,
    String,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    LoaderCriteriaOption,
    ORMExecuteState,
    Session,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeDecorator

from foundation.errors import Forbidden, Invalid, Unavailable
from foundation.identity.scope import Scope

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = BigInteger().with_variant(Integer, "sqlite")
"""Key type: 64 bit on PostgreSQL; SQLite counts up by itself only on plain INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite would hand it back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant must be aware; take it from a Clock.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(members: type[StrEnum]) -> list[str]:
    return [member.value for member in members]


class Base(DeclarativeBase):
    """Parent of all tables; its metadata is what the migrations build."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
        list[str]: JSON,
        StrEnum: Enum(StrEnum, native_enum=False, length=40, values_callable=_values),
    }


class Scoped:
    """Mixed into tables whose rows belong to somebody.

    `visible_to` gives the filter that the guard adds to each query, `is_writable_by` the check
    before a row is written. Both are asked only for scopes that are not the system's own.
    """

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        raise NotImplementedError(f"{cls.__name__} must say who sees it")

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        raise NotImplementedError(f"{type(self).__name__} must say who writes it")


def get_scope(session: Session) -> Scope:
    """The scope the session acts for.

    Raises:
        Forbidden: when nobody bound one.
    """
    scope = session.info.get("scope")
    if not isinstance(scope, Scope):
        raise Forbidden("This session has no scope; open it through Database with one.")
    return scope


@contextmanager
def elevated(session: Session) -> Iterator[None]:
    """Lets the platform act in this transaction, in the name of whoever the session acts for.

    For acts whose right does not come from a role, such as a code that was handed over; whoever
    uses it has checked that right itself.
    """
    scope, criteria = get_scope(session), session.info.pop("criteria", None)
    session.flush()
    session.info["scope"] = replace(scope, role=None)
    try:
        yield
        session.flush()
    finally:
        session.info["scope"] = scope
        session.info.pop("criteria", None)
        if criteria is not None:
            session.info["criteria"] = criteria


def _scoped_classes() -> list[type[Scoped]]:
    mapped = [mapper.class_ for mapper in Base.registry.mappers]
    return [each for each in mapped if issubclass(each, Scoped)]


@cache
def _scoped_by_table() -> Mapping[FromClause, type[Scoped]]:
    # Asked for by the first query, when every table has been imported.
    return {each.__table__: each for each in _scoped_classes()}  # type: ignore[attr-defined]


def _criteria(session: Session, scope: Scope, statement: Executable) -> list[LoaderCriteriaOption]:
    """The filters of the scoped tables that occur in a statement.

    Those of all tables would do as well; most of the time of a small query would go into them.
    """
    # Built once for a session: the filters depend on its scope alone.
    known: dict[type[Scoped], LoaderCriteriaOption] = session.info.setdefault("criteria", {})
    found = _list_scoped(statement)
    for each in found:
        if each not in known:
            known[each] = with_loader_criteria(each, each.visible_to(scope), include_aliases=True)
    return [known[each] for each in found]


def _list_scoped(statement: Executable) -> list[type[Scoped]]:
    """The scoped classes a statement may read, in a fixed order; all where it cannot be said."""
    by_table = _scoped_by_table()
    if getattr(statement, "_with_options", ()):
        # An eager load reads tables that the statement does not name.
        return list(by_table.values())
    found = {
        table
        for element in iterate(statement)  # type: ignore[arg-type]
        for table in _list_tables(element)
    }
    return [each for table, each in by_table.items() if table in found]


def _list_tables(element: Any) -> Iterator[FromClause]:
    if isinstance(element, FromClause):
        yield element
    mapper = getattr(element, "_annotations", {}).get("parententity")
    if mapper is not None:
        yield from mapper.mapper.tables
    table = getattr(element, "table", None)
    if table is not None:
        yield from (each for each in iterate(table) if isinstance(each, FromClause))


def _guard_queries(state: ORMExecuteState) -> None:
    if state.is_column_load:
        return
    scope = get_scope(state.session)
    if scope.is_system:
        return
    if not state.is_select:
        _guard_statement(state, scope)
    # What a filter itself asks for is found by it: it names core tables, which are not filtered.
    criteria = _criteria(state.session, scope, state.statement)
    state.statement = state.statement.options(*criteria)


def _guard_statement(state: ORMExecuteState, scope: Scope) -> None:
    """Refuses a statement that writes a scoped table past what `is_writable_by` says."""
    if not (state.is_insert or state.is_update or state.is_delete):
        raise Forbidden("Text as SQL is for the platform itself.")
    classes = {each.__table__: each for each in _scoped_classes()}  # type: ignore[attr-defined]
    written = classes.get(state.statement.table)  # type: ignore[attr-defined]
    if written is None:
        return
    if state.is_insert:
        raise Forbidden(
            "Add %(name)s objects; statements escape the check.", name=written.__name__
        )
    moved = {
        getattr(each, "key", each) for each in getattr(state.statement, "_values", None) or {}
    }
    if moved & {"organisation_id", "asset_id", "person_id"}:
        raise Forbidden("A statement may not hand rows over to somebody else.")
    # As the update would find them: filtered by what the scope sees.
    where = state.statement.whereclause  # type: ignore[attr-defined]
    found = select(written) if where is None else select(written).where(where)
    for each in state.session.scalars(found):
        if not each.is_writable_by(scope, state.session):
            raise Forbidden("This %(name)s is outside what you may change.", name=written.__name__)


def _check_texts(session: Session, *_: object) -> None:
    """Refuses texts that PostgreSQL would fail on and SQLite would swallow."""
    for each in (*session.new, *session.dirty):
        for column in inspect(each).mapper.columns:
            value, kind = each.__dict__.get(column.key), column.type
            if isinstance(value, str) and isinstance(kind, String):
                name = f"{column.table.name} {column.key}".replace("_", " ")
                _check_text(value, name, column.key, kind.length)


def _check_text(value: str, name: str, field: str, longest: int | None) -> None:
    if longest is not None and len(value) > longest:
        raise Invalid(
            "The %(name)s has more than %(longest)s characters.",
            field=field,
            name=name,
            longest=longest,
        )
    if "\x00" in value:
        raise Invalid("The %(name)s holds a NUL character.", field=field, name=name)


def _guard_writes(session: Session, *_: object) -> None:
    touched = [*session.new, *session.dirty, *session.deleted]
    scoped = [each for each in touched if isinstance(each, Scoped)]
    if not scoped:
        return
    scope = get_scope(session)
    if scope.is_system:
        return
    with session.no_autoflush:
        for each in scoped:
            if not each.is_writable_by(scope, session):
                raise Forbidden(
                    "This %(name)s is outside what you may change.", name=type(each).__name__
                )


class Database:
    """An engine with guarded sessions; one for each process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # A read that turns into a write fails at once when another writer came between, so a
        # transaction takes SQLite's write lock at its start and waits for it there.
        writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._readers = sessionmaker(engine, class_=Session, expire_on_commit=False)
        self._writers = sessionmaker(writer, class_=Session, expire_on_commit=False)
        for maker in (self._readers, self._writers):
            event.listen(maker, "do_orm_execute", _guard_queries)
            event.listen(maker, "before_flush", _guard_writes)
            event.listen(maker, "before_flush", _check_texts)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def session(self, scope: Scope) -> Iterator[Session]:
        """A session for reading; what is not committed is rolled back.

        Raises:
            Unavailable: when the database does not answer or is locked too long.
        """
        with _opened(self._readers, scope) as session:
            yield session

    @contextmanager
    def transaction(self, scope: Scope) -> Iterator[Session]:
        """A session that commits when the block ends well: only requests, batches, jobs, commands.

        Raises:
            Unavailable: when the database does not answer or is locked too long.
        """
        with _opened(self._writers, scope) as session:
            yield session
            session.commit()

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _opened(maker: sessionmaker[Session], scope: Scope) -> Iterator[Session]:
    try:
        with maker() as session:
            session.info["scope"] = scope
            yield session
    except OperationalError as error:
        raise Unavailable("The database does not answer: %(error)s", error=error.orig) from error


def open_database(url: str, *, pool_size: int = 20) -> Database:
    """Opens an SQLite or PostgreSQL database by its SQLAlchemy address; creates no tables."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 5.0}, pool_size=pool_size)
        event.listen(engine, "connect", _set_sqlite_pragmas)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, pool_size=pool_size, max_overflow=20, pool_pre_ping=True)
    return Database(engine)


def _set_sqlite_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling lets DDL escape a rollback; we send BEGIN ourselves.
    # WAL mode is set once by `migrate`: two processes switching to it at once can fail.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "synchronous=NORMAL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
