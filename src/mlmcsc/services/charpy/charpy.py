"""Charpy results: measured SFA, the table of specimens, transition curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from mlmcsc.domain.charpy.curves import CurveOptions
from mlmcsc.domain.charpy.quantities import Property, Source
from mlmcsc.domain.charpy.results import CurveReport, SpecimenRow
from mlmcsc.domain.charpy.sfa import SfaInput, SfaLabel, measured_sfa, percent_of
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.results import Page
from mlmcsc.domain.tables import SPECIMENS
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.charpy import drawing, tabulating
from mlmcsc.store.models import specimens
from mlmcsc.store.queries import charpy as queries
from mlmcsc.store.queries import holds, registers, rows
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Charpy:
    """Measure, list and compare Charpy specimens, in one actor's name.

    Attributes:
        db: The store.
        actor: In whose name.
        label_range: Lowest and highest label of the database.
        add_label: Stores a label, as `Labels.add` does.
    """

    db: Store
    actor: Actor
    label_range: tuple[float, float]
    add_label: Callable[..., int]

    @requires(Permission.INGEST)
    def measure(
        self, specimen_id: str, *, le_mm: float | None = None, **sfa: Unpack[SfaInput]
    ) -> SpecimenRecord:
        """Record the SFA measured on a specimen's fracture, with its method and its inputs.

        Args:
            specimen_id: The laboratory's specimen number.
            le_mm: Lateral expansion in mm, measured with it.
            **sfa: `a_mm` and `b_mm` (with `ligament` of a sub-size bar), or `total_mm2` and
                `cleavage_mm2`, or `percent` and `method`; see `measured_sfa`.

        Raises:
            ValidationError: No measurement, more than one, or a wrong value.
            UnknownRecordError: There is no such specimen.
        """
        found = measured_sfa(**sfa)
        name = SPECIMENS.by_name["specimen_id"].check(specimen_id)
        values: dict[str, Any] = {
            "sfa_percent": found.percent,
            "sfa_method": found.method.value,
            "sfa_details": found.details,
        }
        if le_mm is not None:
            values["le_mm"] = SPECIMENS.by_name["le_mm"].check(le_mm)
        with self.db.write(self.actor) as tx:
            registers.lock(tx, specimens)  # the values before are those that are replaced
            before = rows.first(tx, specimens, SpecimenRecord, specimen_id=name)
            if before is None:
                raise UnknownRecordError(
                    f"specimen {name!r} does not exist. Register it with `specimens set {name}`."
                )
            registers.change(tx, specimens, before, values)
            after = rows.get(tx, specimens, SpecimenRecord, before.id)
        return before if after is None else after

    @requires(Permission.LABEL)
    def label(self, image_id: int, technician_id: int, **given: Unpack[SfaLabel]) -> int:
        """Store a label computed from what was measured on an image; returns its id.

        The label is in the database's label range, 0 to 1 or 0 to 100; what it was computed from
        is kept as `annotation_data["sfa"]`.

        Args:
            image_id: The image.
            technician_id: The technician's id.
            **given: `a_mm` and `b_mm` and the like, see `measured_sfa`; and what `Labels.add`
                takes.

        Raises:
            ValidationError: A measurement is wrong, or labels of this database are no SFA.
            UnknownRecordError: There is no such image or technician.
        """
        details: dict[str, Any] = dict(given)
        measured = {name: details.pop(name) for name in SfaInput.__annotations__ & details.keys()}
        found = measured_sfa(**measured)
        data = details.pop("annotation_data", None)
        if data is not None and (not isinstance(data, dict) or "sfa" in data):
            raise ValidationError(
                f"annotation_data={data!r}: give an object without the key 'sfa', which is where "
                "the measurement goes."
            )
        value = found.percent / percent_of(self.label_range)
        kept = {**(data or {}), "sfa": found.to_dict()}
        return self.add_label(image_id, technician_id, value, annotation_data=kept, **details)

    @requires(Permission.READ)
    def table(
        self,
        *,
        heat: str | None = None,
        material: str | None = None,
        orientation: str | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> Page[SpecimenRow]:
        """Specimens by id with measured SFA, that of people and that of the active model.

        Labels of people whose processing is restricted, and invalid images, are left out.

        Raises:
            ValidationError: A filter is wrong, or labels of this database are no SFA.
        """
        check_page(after_id, limit)
        wanted = tabulating.checked(heat, material, orientation)
        scale = percent_of(self.label_range)
        with self.db.read() as view:
            page = queries.specimen_page(view, wanted, after_id=after_id, limit=limit)
            items = tabulating.tabulate(view, page.items, scale)
        return Page(items, page.next_after_id)

    @requires(Permission.READ)
    def curve(
        self,
        *,
        heat: str | None = None,
        material: str | None = None,
        orientation: str | None = None,
        property: Property | str = Property.KV,  # noqa: A002  # the field's word, and the option's
        source: Source | str = Source.MEASURED,
        compare: Sequence[str] = (),
        together: bool = False,
        **options: Unpack[CurveOptions],
    ) -> CurveReport:
        """Fit a transition curve for each heat and orientation of the specimens asked for.

        Specimens without a heat go by their material. Where a heat's specimens have one known
        orientation, those without one go with them.

        Args:
            heat: Of this heat.
            material: Of this material.
            orientation: Of this orientation, e.g. T-L.
            property: `kv`, `le` or `sfa`.
            source: Of an SFA: `measured` on the specimen, `labels` or `predictions` of its images.
            compare: Further heats; there are at most four curves.
            together: Fit one curve to all that were asked for, whatever their heats and
                orientations, and one to each heat to compare.
            **options: `robust`, `confidence`, `samples`, `seed`, `shelves`; see `fit`.

        Raises:
            ValidationError: A word is wrong, there are more than four curves, or nothing that was
                asked for has one: too few temperatures, or no transition within the tested ones;
                the message names the heat.
            UnknownRecordError: There is no such specimen, or no active model.
        """
        kind, origin = drawing.check(property, source)
        groups = drawing.groups(tabulating.checked(heat, material, orientation), compare)
        scale = percent_of(self.label_range) if origin is not Source.MEASURED else 1.0
        with self.db.read() as view:
            model = queries.active_model(view) if origin is Source.PREDICTIONS else None
            restricted = holds.restricted_technicians(view) if origin is Source.LABELS else ()
            gathered = [
                drawing.gather(view, name, wanted, kind, origin, scale) for name, wanted in groups
            ]
        curves, not_drawn = drawing.draw_all(gathered, kind, origin, options, together=together)
        return CurveReport(
            kind.value, model[1] if model else None, len(restricted), curves, not_drawn
        )
