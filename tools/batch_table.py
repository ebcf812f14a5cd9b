"""What benchmarks/batch.json says: the table of the page about very many photos."""

from benchmarks.batch import BatchMeasured
from benchmarks.batch_failures import Deaths

_MILLION = 1e6


def make_batch_table(measured: BatchMeasured) -> str:
    """Return the measurements as Markdown.

    Raises:
        ValueError: a part was not measured.
    """
    cost, growth, failures, place = (
        measured.cost,
        measured.growth,
        measured.failures,
        measured.place,
    )
    if cost is None or growth is None or failures is None:
        raise ValueError("A part of benchmarks/batch.json is missing. Run make benchmark-batch.")
    hours = growth.seconds / growth.photos * _MILLION / 3600
    cpu = sum(growth.cpu_ms.values()) / len(growth.cpu_ms) * _MILLION / 3.6e6
    rows = {
        f"{growth.photos:,} photos of 250 pixels, in one run": f"{growth.seconds:,.0f} s",
        "so a million on this machine": f"{hours:.1f} hours, {cpu:.1f} CPU hours",
        "and their answers": f"{growth.answers_mb / growth.photos * _MILLION:,.0f} MB",
        "rows, and different photos among them": f"{growth.rows:,}, {growth.names:,}",
        "memory of all processes after 2,000 photos, least and most": " to ".join(
            f"{held:,.0f} MB" for held in growth.memory_mb
        ),
        "CPU time a photo, by photos done": ", ".join(
            f"{one:.1f} ms" for one in growth.cpu_ms.values()
        ),
        "the same command again, nothing to do": f"{growth.resume_cpu_seconds:.1f} CPU seconds",
        **{
            f"CPU time against `recognize_many`, {name}": f"{share:.2f} times"
            for name, share in cost.shares.items()
        },
        **{f"`kill -9` of {name}": _tell(deaths) for name, deaths in measured.deaths.items()},
        "one of three Ray nodes killed in mid-run, nothing begun again": _tell(
            failures.three_nodes
        ),
        "without a network, in an empty home": ", ".join(
            f"{name}: {'the same rows' if same else 'FAILED'}"
            for name, same in failures.offline.items()
        ),
        f"{failures.stored.photos:,} photos in a store, one missing, one denied, one slow": (
            f"{failures.stored.right:,} as on a disk, {len(failures.stored.errors)} with errors"
        ),
        f"{failures.broken.broken} files broken in {failures.broken.kinds} ways among "
        f"{failures.broken.photos:,}": f"{failures.broken.rows_with_errors} rows with errors",
    }
    lines = ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())]
    versions = ", ".join(f"{name} {version}" for name, version in place.packages.items())
    source = f"Measured on {place.date}: {place.processor}, {place.cores} cores, {versions}."
    return "\n".join([*lines, "", source])


def _tell(deaths: Deaths) -> str:
    times = "once" if deaths.runs == 1 else f"{deaths.runs} times"
    return f"{times}: {deaths.equal} with the rows of an undisturbed run, {deaths.damaged} damaged"
