"""Two watchers of the alert rules: Prometheus itself, and our own evaluation where it is not installed."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import yaml

from tests.ops.promql import Scrape, evaluate, samples

RULES = Path(__file__).parents[2] / "ops/prometheus/alerts.yml"
HASTE = "30s"
"""The time in place of every range of the rules, so that a test need not last for hours."""


def hasty_rules() -> str:
    """The rules, with the same expressions over half a minute, firing at once."""
    text = re.sub(r"^( +for:) \w+$", r"\1 0s", RULES.read_text("utf-8"), flags=re.MULTILINE)
    return re.sub(r"\[\w+\]", f"[{HASTE}]", text)


@dataclass
class PrometheusWatcher:
    """Prometheus, scraping every second."""

    folder: Path
    targets: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        rules, settings = self.folder / "alerts.yml", self.folder / "prometheus.yml"
        rules.write_text(hasty_rules())
        jobs = [{"job_name": job, "static_configs": [{"targets": [at]}]} for job, at in self.targets.items()]
        every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings.write_text(json.dumps({"global": every, "rule_files": [str(rules)], "scrape_configs": jobs}))
        words = [f"--config.file={settings}", f"--storage.tsdb.path={self.folder}/tsdb"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", *words, f"--web.listen-address={address}"], stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    def has_begun(self) -> bool:
        """True once every target that answers was scraped."""
        return len(self._asked("query?query=stillmotion_build_info").get("result", ())) >= len(self.targets) - 1

    def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, each with its job."""
        found = self._asked("alerts").get("alerts", ())
        return {(each["labels"]["alertname"], each["labels"]["job"]) for each in found if each["state"] == "firing"}

    def _asked(self, path: str) -> Mapping[str, list[dict[str, dict[str, str]]]]:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=5) as answer:
                return json.load(answer)["data"]
        except OSError:
            return {}


@dataclass
class OwnWatcher:
    """Our own evaluation of the same rules over our own scrapes."""

    folder: Path
    targets: Mapping[str, str]
    scrapes: list[Scrape] = field(default_factory=list)

    def __enter__(self) -> Self:
        (group,) = yaml.safe_load(hasty_rules())["groups"]
        self._rules = {each["alert"]: each["expr"] for each in group["rules"]}
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def has_begun(self) -> bool:
        self.scrapes.append(self._scrape())
        return True

    def firing(self) -> set[tuple[str, str]]:
        self.scrapes.append(self._scrape())
        return {
            (name, dict(labels)["job"]) for name, rule in self._rules.items() for labels in evaluate(rule, self.scrapes)
        }

    def _scrape(self) -> Scrape:
        found = {}
        for job, at in self.targets.items():
            named = {"job": job, "instance": at}
            try:
                with urllib.request.urlopen(f"http://{at}/metrics", timeout=5) as answer:
                    found |= samples(answer.read().decode(), **named)
                up = 1.0
            except OSError:
                up = 0.0
            found[frozenset({("__name__", "up"), *named.items()})] = up
        return time.monotonic(), found


WATCHERS = {"prometheus": PrometheusWatcher, "own": OwnWatcher}


def is_here(name: str) -> bool:
    """True if a watcher can watch on this machine."""
    return name == "own" or shutil.which("prometheus") is not None
