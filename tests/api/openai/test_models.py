"""/v1/models by OpenAI's client: the student, and it with each bank."""

from __future__ import annotations

import openai
import pytest

from tests.openai_face import MODEL, STUDENT, Face


def test_the_models_are_the_student_and_it_with_each_bank(face: Face) -> None:
    with face.client() as client:
        models = list(client.models.list())

    assert [model.id for model in models] == [STUDENT, MODEL]
    assert {(model.object, model.owned_by) for model in models} == {("model", "ted")}
    assert models[1].created > 1_700_000_000


@pytest.mark.parametrize("name", [STUDENT, MODEL])
def test_a_model_can_be_looked_at_by_its_name(face: Face, name: str) -> None:
    with face.client() as client:
        assert client.models.retrieve(name).id == name


@pytest.mark.parametrize("name", ["gpt-4o", f"{STUDENT}@nowhere"])
def test_a_model_that_is_not_there_is_not_found(face: Face, name: str) -> None:
    with face.client() as client, pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve(name)

    assert missing.value.code == "model_not_found"


def test_a_method_that_is_not_there_is_told_which_are(face: Face) -> None:
    with face.http() as http:
        response = http.delete(f"/v1/models/{MODEL}")

    assert (response.status_code, response.headers["Allow"]) == (405, "GET")
