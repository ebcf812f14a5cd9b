"""What looks at shards: processes of this machine, or the tasks of a Ray cluster."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, Protocol

from gafas.batch.answers import Tally
from gafas.batch.shards import Job, Shard, recognize_shard
from gafas.errors import DataError

_RETRIES: Final = 3  # so often Ray looks at a shard again when a process or a machine died
_WINDOW: Final = 4  # so many shards per processor core are with Ray, done, in work or waiting
_STORE_BYTES: Final = 80 * 2**20  # Ray's shared memory: nothing large goes through it


class Engine(Protocol):
    """Look at shards, several at a time.

    Attributes:
        room: how many shards it takes now.
        busy: whether it has any.
    """

    @property
    def room(self) -> int:
        """Return how many shards it takes now."""

    @property
    def busy(self) -> bool:
        """Return whether it has any."""

    def submit(self, shard: Shard) -> None:
        """Take a shard."""

    def wait(self) -> tuple[Shard, Tally | None]:
        """Return a shard that is done, and what it shows; nothing if its process has died.

        Raises:
            OSError: its part could not be written.
        """


class _Worker:
    """A process of this machine, and what it is at.

    It says when it is there, and only then is given anything large: who writes to a process that
    dies before it reads waits for ever.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.shard: Shard | None = None
        self.ready = False
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _deaf_children():
            self.process.start()
        theirs.close()

    def send(self, *values: object) -> None:
        """Give it something; a process that has died meanwhile shows when it is waited for."""
        with contextlib.suppress(OSError):
            for value in values:
                self.pipe.send(value)

    def stop(self) -> None:
        """End the process, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Begin processes that Ctrl-C, which a terminal sends to all, does not reach from the start."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class LocalEngine:
    """Processes of this machine, one model each; they end with the process that began them.

    Args:
        job: what they must know.
        workers: how many.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._count = workers
        self._workers: list[_Worker] = []

    @property
    def room(self) -> int:
        """Return how many processes have nothing to do, or could be begun."""
        return self._count - len(self._list_busy())

    @property
    def busy(self) -> bool:
        """Return whether a process is at work."""
        return bool(self._list_busy())

    def submit(self, shard: Shard) -> None:
        """Give a shard to a process that has nothing to do."""
        free = next((worker for worker in self._workers if worker.shard is None), None)
        if free is None:
            free = _Worker()
            self._workers.append(free)
        free.shard = shard
        if free.ready:
            free.send(shard)

    def wait(self) -> tuple[Shard, Tally | None]:
        """Return a shard that is done, and what it shows; nothing if its process has died.

        Raises:
            OSError: its part could not be written.
        """
        while True:
            busy = {worker.pipe: worker for worker in self._list_busy()}
            ready = wait(list(busy))[0]
            assert isinstance(ready, Connection)
            worker = busy[ready]
            assert worker.shard is not None
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                self._workers.remove(worker)
                worker.stop()
                return worker.shard, None
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                worker.ready = True
                worker.send(self._job, worker.shard)
                continue
            shard, worker.shard = worker.shard, None
            return shard, answer

    def _list_busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.shard is not None]

    def stop(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.stop()


def _work(pipe: Connection) -> None:
    """Say that this process is there, then look at shards as they come, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where none is born deaf
    warnings.filterwarnings("ignore", module="PIL")  # they name no photo
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # of the pipe: the parent has gone
        pipe.send(None)
        job = pipe.recv()
        while True:
            pipe.send(_try(job, pipe.recv()))


def _try(job: Job, shard: Shard) -> Tally | Exception:
    try:
        return recognize_shard(job, shard)
    except Exception as error:  # it is the parent's to say
        return error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class RayEngine:
    """Tasks of a Ray cluster: it schedules them, and repeats them where processes or machines die.

    Args:
        job: what workers must know.
        workers: how many tasks run at a time on this machine; of no matter on a running cluster.
        address: of a running cluster; one is begun on this machine, and ended, if left out.

    Raises:
        DataError: the cluster cannot be reached.
    """

    def __init__(self, job: Job, workers: int, address: str | None = None) -> None:
        _prepare_ray()
        import ray

        self._ray = ray
        try:
            if address is None:
                _begin_ray(workers)
            else:
                _try_address(address)
                ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise DataError(
                f"Cannot reach the Ray cluster: {reason}. Received: {address!r}. Check the place, "
                "as of `ray start`, and that the cluster runs the same versions."
            ) from error
        self._job = ray.put(job)
        self._task = ray.remote(num_cpus=1)(recognize_shard)
        self._shards: dict[Any, Shard] = {}

    @property
    def room(self) -> int:
        """Return how many more tasks the cluster is given, which may grow and shrink."""
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        return max(cores, 1) * _WINDOW - len(self._shards)

    @property
    def busy(self) -> bool:
        """Return whether there are tasks."""
        return bool(self._shards)

    def submit(self, shard: Shard) -> None:
        """Give a shard to the cluster."""
        retries = _RETRIES if len(shard.groups) > 1 else 0  # tries of one photo are counted here
        task = self._task.options(max_retries=retries)
        self._shards[task.remote(self._job, shard)] = shard

    def wait(self) -> tuple[Shard, Tally | None]:
        """Return a shard that is done, and what it shows; nothing if its processes have died.

        Raises:
            OSError: its part could not be written.
        """
        done = self._ray.wait(list(self._shards), num_returns=1)[0][0]
        shard = self._shards.pop(done)
        try:
            return shard, self._ray.get(done)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ImportError):
                raise DataError(
                    f"A machine of the cluster lacks what the work needs: {error.cause}. Install "
                    "gafas[cluster] there, in the same version."
                ) from error
            raise error.cause from error
        except self._ray.exceptions.RayError:
            return shard, None

    def stop(self) -> None:
        """Leave the cluster, and end the one that was begun here."""
        self._ray.shutdown()


def _prepare_ray() -> None:
    """Have Ray report to nobody, and leave its workers the priority that this process has.

    It sends a token that is there: `ray start` then demands one.
    """
    wanted = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or it warns of a change
    }
    os.environ.update(wanted)
    if "RAY_AUTH_TOKEN" in os.environ or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _try_address(address: str) -> None:
    """Knock at a cluster's door: Ray itself would wait for minutes for one that is not there."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.rpartition("/")[2].strip("[]"), int(port)), 10).close()


def _begin_ray(workers: int) -> None:
    """Begin a cluster of this machine, which asks no other host for anything."""
    import ray

    # Even without a dashboard its process would start, and ask three clouds whether it runs there;
    # where its port is taken, it does not.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ray.init(
            "local",
            num_cpus=workers,
            include_dashboard=False,
            dashboard_port=taken.getsockname()[1],
            object_store_memory=_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            # Not "127.0.0.1", for which Ray takes an address that others can reach.
            _node_ip_address="127.0.0.2" if sys.platform == "linux" else None,
        )


@contextlib.contextmanager
def open_engine(
    job: Job, *, on_ray: bool, workers: int, address: str | None = None
) -> Iterator[Engine]:
    """Open an engine, and end all that it began, also where something is raised meanwhile.

    Args:
        job: what workers must know.
        on_ray: whether a Ray cluster does the work, or processes of this machine.
        workers: how many photos are looked at at once, on this machine.
        address: of a running Ray cluster.

    Raises:
        DataError: a Ray cluster cannot be reached.
    """
    engine = RayEngine(job, workers, address) if on_ray else LocalEngine(job, workers)
    try:
        yield engine
    finally:
        engine.stop()
