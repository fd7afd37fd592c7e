"""Where the store is, by settings; a password is told to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from ted.bootstrap import open_ted
from ted.errors import BadSetting, StoreUnavailable
from ted.settings import read_settings

PASSWORD = "p%40ss-w0rd"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_url_of_postgresql_is_taken_with_the_driver_that_is_there(scheme: str) -> None:
    settings = read_settings(database_url=f"{scheme}://ted:{PASSWORD}@db.example/ted")

    assert settings.store_url == f"postgresql+psycopg://ted:{PASSWORD}@db.example/ted"


def test_without_a_url_the_store_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    assert read_settings(data_dir=tmp_path).store_url == f"sqlite:///{tmp_path / 'ted.sqlite'}"


@pytest.mark.parametrize("url", [f"mysql://ted:{PASSWORD}@db/ted", PASSWORD, "postgresql:/ted"])
def test_another_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_settings(database_url=url)

    told = str(refused.value)
    assert told.startswith("TED_DATABASE_URL: it must be postgresql://user:password@host/database")
    assert PASSWORD not in told


def test_a_password_is_among_the_secrets_and_in_no_picture_of_the_settings() -> None:
    settings = read_settings(database_url=f"postgresql://ted:{PASSWORD}@db.example/ted")

    assert {PASSWORD, "p@ss-w0rd"} <= set(settings.secrets)
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in str(settings.model_dump())


def test_a_database_that_does_not_answer_is_told_in_a_line_without_the_password(tmp_path: Path) -> None:
    settings = read_settings(
        data_dir=tmp_path,
        text_embedder="hashing",
        database_url=f"postgresql://ted:{PASSWORD}@127.0.0.1:1/ted",
    )

    with pytest.raises(StoreUnavailable, match="does not answer") as told:
        open_ted(settings)

    assert PASSWORD not in str(told.value)
