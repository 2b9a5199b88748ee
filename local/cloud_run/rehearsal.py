"""A rehearsal of the roll-out that deploy.yml does: here, with real API processes and clients that never pause.

A good model goes to 100 % without a failed request. An image that does not hold the model in git never gets traffic.
An image that fails under live traffic is taken back at 10 %. And a rollback names a bundle. The code is `delivery`'s.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from delivery import labels, rollback, smoke, tables
from delivery.cloud_run import CloudRun
from delivery.request_metrics import RequestMetrics
from delivery.rollout import Outcome, Policy, Rollout
from delivery.verdict import Limits
from local.cloud_run import provision, server
from local.cloud_run.load import Load
from local.cloud_run.provision import PROJECT, REGION
from local.cloud_run.registry import FAULTY, PLACEHOLDER
from local.cloud_run.server import CloudRunServer
from local.cloud_run.variants import variant

SERVICE = "aiot-api"
#: minutes in the cloud
POLICY = Policy(percent=10, watch_s=4.0, delay_s=1.0, poll_s=0.5, limits=Limits(least_requests=10))
#: there is nothing to watch before there are clients
AT_ONCE = Policy(watch_s=0.0, delay_s=0.0)
SAMPLE_S, DELAY_S = 0.5, 0.5
FAULT = "a fault under live traffic"


@dataclass(frozen=True)
class Act:
    """What was done, whether it ended as it should, and what the clients saw of it."""

    title: str
    ended: str
    as_expected: bool
    requests: int
    failures: int
    seconds: float


class Rehearsal:
    """The acts, on one stand-in.

    Args:
        console: told what happens.
        models: the bundles in git.
        folder: for images and logs; emptied first.
    """

    def __init__(self, console: Console, models: Path, folder: Path) -> None:
        self._console, self._folder, self._models = console, folder, models
        self._bundle = smoke.load(models)[0]
        self._acts: list[Act] = []

    def run(self) -> bool:
        """Plays all acts; whether each ended as it should."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with server.running(self._folder, sample_s=SAMPLE_S, delay_s=DELAY_S) as cloud:
            provision.create(cloud.endpoint, SERVICE, cloud.registry.push(None, PLACEHOLDER))
            self._say("Terraform has made the service, with a placeholder")
            self._first(cloud)
            with Load(f"{cloud.url}/services/{SERVICE}", self._bundle) as load:
                better = self._better("a-better-model", threshold_factor=1.1)
                self._act("a better model", load, lambda: self._good(cloud, better))
                self._act("an image without the model in git", load, lambda: self._other(cloud, better))
                self._act(FAULT, load, lambda: self._faulty(cloud, better))
                self._act("make rollback", load, lambda: self._back(cloud))
            service = self._service(cloud)
            self._console.print(tables.revisions(service.read(), service.revisions()))
        self._console.print(self._table())
        return all(act.as_expected for act in self._acts)

    def _first(self, cloud: CloudRunServer) -> None:
        found = self._rollout(cloud, cloud.registry.push(self._models), self._models, "0" * 40, AT_ONCE)
        assert found.promoted, found.because

    def _good(self, cloud: CloudRunServer, better: Path) -> tuple[str, bool]:
        found = self._rollout(cloud, cloud.registry.push(better), better, "1" * 40)
        return found.because, found.promoted and found.verdicts[10].kind == found.verdicts[100].kind == "healthy"

    def _other(self, cloud: CloudRunServer, better: Path) -> tuple[str, bool]:
        # it calls itself the same, and its scores are others
        image = cloud.registry.push(self._better("another-model", threshold_factor=1.3))
        found = self._rollout(cloud, image, better, "2" * 40)
        return found.because, not found.promoted and not found.verdicts

    def _faulty(self, cloud: CloudRunServer, better: Path) -> tuple[str, bool]:
        found = self._rollout(cloud, cloud.registry.push(better, FAULTY), better, "3" * 40)
        return found.because, not found.promoted and set(found.verdicts) == {10}

    def _back(self, cloud: CloudRunServer) -> tuple[str, bool]:
        bundle = f"{self._bundle.profile.name}@{self._bundle.version}"
        self._say(f"rollback to {bundle}")
        done = rollback.roll_back(self._service(cloud), rollback.Choice(bundle=bundle))
        for line in done.advice:
            self._say(f"then, in git: {line}")
        serves = self._service(cloud).revision(done.serves).bundles[self._bundle.profile.name]
        return f"{done.serves} serves {bundle}", serves == self._bundle.version

    def _act(self, title: str, load: Load, play: Callable[[], tuple[str, bool]]) -> None:
        self._console.rule(title, align="left")
        began, requests, failures = time.monotonic(), load.requests, load.failures
        ended, as_expected = play()
        sent, failed = load.requests - requests, load.failures - failures
        # only the fault itself may reach a client
        harmless = failed == 0 or title == FAULT
        self._acts.append(Act(title, ended, as_expected and harmless, sent, failed, time.monotonic() - began))

    def _rollout(
        self, cloud: CloudRunServer, image: str, models: Path, commit: str, policy: Policy = POLICY
    ) -> Outcome:
        bundles = smoke.load(models)
        metrics = RequestMetrics(PROJECT, REGION, SERVICE, endpoint=cloud.endpoint)
        policy = (
            POLICY if self._acts or commit != "0" * 40 else POLICY.model_copy(update={"watch_s": 0.0, "delay_s": 0.0})
        )
        rolled = Rollout(self._service(cloud), metrics, lambda url, _: smoke.run(url, bundles), policy, self._say)
        return rolled.run(image, labels.of(bundles, commit))

    def _service(self, cloud: CloudRunServer) -> CloudRun:
        return CloudRun(PROJECT, REGION, SERVICE, endpoint=cloud.endpoint)

    def _better(self, name: str, threshold_factor: float) -> Path:
        """The committed bundles, with another version of the first."""
        models = self._folder / name
        shutil.copytree(self._models, models, ignore=shutil.ignore_patterns(self._bundle.folder.name))
        target = models / self._bundle.folder.name
        variant(self._bundle.folder, target, version="rehearsal-2", threshold_factor=threshold_factor)
        return models

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]·[/dim] {text}", highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table("", "act", "how it ended", title="The rehearsal", title_justify="left")
        for name in ("requests", "failed", "took"):
            table.add_column(name, justify="right")
        for act in self._acts:
            sign = "✓" if act.as_expected else "✗"
            counts = (f"{act.requests:,}", f"{act.failures:,}", f"{act.seconds:.0f} s")
            table.add_row(sign, act.title, act.ended, *counts)
        return table
