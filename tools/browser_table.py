"""What benchmarks/browser.json says: the table of the page about the browser alone."""

from typing import Final

from benchmarks.browser import BrowserFigures

_SOURCE: Final = (
    "Measured on {date}: {processor}, {browser}, onnxruntime-web {runtime}, one thread. Of "
    "{photos:,} photos of the labelled sets with {faces:,} faces, {same:,} faces were found by "
    "both, {labels:,} with the same label and {near:,} with all probabilities within .005; "
    "{equal:,} photos had the same answer to the last digit."
)


def make_browser_table(measured: BrowserFigures) -> str:
    """Return the measurements as Markdown."""
    page, rows = measured.page, measured.parity.sets.values()
    before, once, twice = page.heap_mb
    lines = [("", "measured")]
    lines += [
        (
            f"a photo of {kind}",
            f"{times.browser_ms:.0f} ms; Python, one thread: {times.python_ms:.0f} ms "
            f"(× {times.ratio:.1f})",
        )
        for kind, times in measured.photos.items()
    ]
    lines += [
        ("what a first visit fetches, compressed", f"{page.download_mb:.2f} MB"),
        (
            "from the beginning of a visit until photos can be answered",
            f"{page.ready_first_seconds:.2f} s the first time, "
            f"{page.ready_cached_seconds:.2f} s from the cache",
        ),
        ("camera of 640×480", f"{page.camera_answers_per_second:.0f} answers/s"),
        (
            f"{page.many_photos} photos dropped at once",
            f"the page reacts within {page.longest_wait_milliseconds:.0f} ms; its heap: "
            f"{before:.1f} MB before, {once:.1f} after, {twice:.1f} after as many again",
        ),
    ]
    table = [f"| {one} | {two} |" for one, two in lines]
    source = _SOURCE.format(
        date=measured.date,
        processor=measured.processor,
        browser=measured.browser,
        runtime=measured.onnxruntime_web,
        photos=sum(row.photos for row in rows),
        faces=sum(row.faces for row in rows),
        same=sum(row.same_faces for row in rows),
        labels=sum(row.same_labels for row in rows),
        near=sum(row.near for row in rows),
        equal=sum(row.equal for row in rows),
    )
    return "\n".join([table[0], "| --- | --- |", *table[1:], "", source])
