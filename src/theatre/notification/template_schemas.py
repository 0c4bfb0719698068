"""What the doors of templates take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from theatre.kit.fields import Answer, Body, Line, Storable
from theatre.notification import packaged
from theatre.notification.models import Template, TemplateVersion
from theatre.notification.template_versions import Draft
from theatre.notification.wordings import Reading, Wording

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"), Field(examples=["spring_offer"])]
Sample = Annotated[str, StringConstraints(max_length=1_000), Storable]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Variables = Annotated[dict[Name, Sample], Field(max_length=30, examples=[{"promo_code": "SPRING"}])]


class TextField(Body):
    """A text in one language. `html` goes into our page; without it, the text is set as paragraphs."""

    subject: Line
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000), Storable]
    html: Annotated[str, StringConstraints(min_length=1, max_length=50_000), Storable] | None = None


class TextsField(Body):
    """A text in every language that we write in."""

    ru: TextField
    en: TextField


class DraftField(Body):
    """A wording: texts, and the values that they name, each with a sample. A template of the house declares none."""

    texts: TextsField
    variables: Variables = {}

    def wording(self) -> Wording:
        """Give the wording."""
        readings = {name: Reading.model_validate(text) for name, text in self.texts}
        return Wording(readings, self.variables)


class VersionBody(DraftField):
    """A change of a template."""

    note: Annotated[str, StringConstraints(max_length=500), Storable] = ""
    activate: bool = True

    def draft(self, author_id: UUID) -> Draft:
        """Give what is to be saved."""
        return Draft(wording=self.wording(), note=self.note, author_id=author_id)


class TemplateBody(DraftField):
    """A new template for mailings."""

    code: Code
    description: Annotated[str, StringConstraints(max_length=500), Storable] = ""

    def draft(self, author_id: UUID) -> Draft:
        """Give what is to be saved."""
        return Draft(wording=self.wording(), note="", author_id=author_id)


class PreviewBody(Body):
    """What to show: a draft, or a version (without either, the active one), with values in place of samples."""

    locale: Literal["ru", "en"] = "ru"
    version: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    draft: DraftField | None = None
    values: Variables = {}


class PreviewAnswer(Answer):
    """A mail as it would read."""

    subject: str
    text: str
    html: str


class TemplateAnswer(Answer):
    """A template. Those of the house say what they came with while `active_version` is 0."""

    code: str
    description: str
    is_packaged: bool
    active_version: int
    latest_version: int
    updated_at: datetime | None

    @classmethod
    def of(cls, template: Template) -> "TemplateAnswer":
        return cls(**_template(template))


class TemplateDetails(TemplateAnswer):
    """A template with what it says now; `variables` of one of the house are those that it may name."""

    texts: dict[str, Reading]
    variables: dict[str, str]

    @classmethod
    def of(cls, template: Template, wording: Wording | None = None) -> "TemplateDetails":
        said = wording or packaged.read(template.code)
        is_packaged = template.code in packaged.list_codes()
        declared = packaged.read(template.code).variables if is_packaged else said.variables
        return cls(**_template(template), texts=dict(said.texts), variables=dict(declared))


def _template(template: Template) -> dict[str, object]:
    names = ("code", "description", "active_version", "latest_version", "updated_at")
    known = {name: getattr(template, name) for name in names}
    return {**known, "is_packaged": template.code in packaged.list_codes()}


class VersionAnswer(Answer):
    """One version of a template."""

    number: int
    is_active: bool
    note: str
    author_id: UUID
    created_at: datetime

    @classmethod
    def of(cls, version: TemplateVersion, template: Template) -> "VersionAnswer":
        return cls(**_version(version, template))


class VersionDetails(VersionAnswer):
    """One version with what it says."""

    texts: dict[str, Reading]
    variables: dict[str, str]

    @classmethod
    def of(cls, version: TemplateVersion, template: Template) -> "VersionDetails":
        return cls(**_version(version, template), texts=version.texts, variables=version.variables)


def _version(version: TemplateVersion, template: Template) -> dict[str, object]:
    known = {name: getattr(version, name) for name in ("number", "note", "author_id", "created_at")}
    return {**known, "is_active": version.number == template.active_version}
