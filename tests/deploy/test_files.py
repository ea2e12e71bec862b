"""The files in deploy/ are what Docker, Compose, Kubernetes and systemd read, and agree with the settings."""

import json
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from stillmotion.config import load, setting_fields
from stillmotion.domain.catalogue import EMBEDDED
from tests.deploy.deploy_files import (
    COMPOSE,
    DEPLOY,
    DOCKERFILE,
    MANIFESTS,
    PREFIX,
    UNITS,
    compose,
    example,
    resources,
    steps,
)
from tests.docs.test_units import parsed
from tools.docs.metrics import metric_labels

PAGE = DEPLOY.parent / "docs/howto/deploy.md"
KUBERNETES = "1.37"
CUSTOM = {"ScaledObject", "TriggerAuthentication", "Kustomization"}
"""Kinds that Kubernetes itself does not know."""


def by_kind(kind):
    return {each["metadata"]["name"]: each for each in resources() if each["kind"] == kind}


def pods():
    return {name: each["spec"]["template"] for name, each in by_kind("Deployment").items()}


def settings_of(variables):
    """The settings that a process reads from its environment. Raises `SettingsError` for one that is none of ours."""
    return load({name: str(value) for name, value in variables.items()})[0]


def test_the_dockerfile_has_no_finding():
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_the_compose_file_is_one():
    names = PyCompose.from_json(json.dumps(compose())).service_names()
    assert {"serve-1", "serve-2", "worker", "postgres", "seaweedfs", "caddy"} <= set(names)
    with pytest.raises(ValueError, match="comand"):
        PyCompose.from_json(json.dumps({"services": {"caddy": {"image": "caddy", "comand": "run"}}}))


def test_every_variable_of_the_compose_file_is_in_the_example():
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text("utf-8")))
    assert asked == set(example())


@pytest.mark.parametrize("service", ["serve-1", "serve-2", "worker", "worker-gpu"])
def test_a_service_of_ours_has_good_settings_and_writes_nowhere_else(service):
    described = compose()["services"][service]
    settings = settings_of(described["environment"])
    assert settings.store.startswith("postgresql://")
    assert settings.secret
    assert settings.public_url
    assert settings.trusted_proxies == 1
    assert (described["read_only"], described["cap_drop"]) == (True, ["ALL"])
    assert (settings.renderers == 0) is service.startswith("serve")
    grace = float(described["stop_grace_period"].removesuffix("s"))
    assert grace > settings.shutdown_grace
    assert described.get("healthcheck", {}).get("disable", False) is service.startswith("worker"), "one listens nowhere"


def test_every_volume_of_ours_takes_its_owner_from_the_image():
    """Docker gives an empty volume the owner of the image's folder there, or root, who is nobody of ours."""
    services = [each for each in compose()["services"].values() if each["image"].startswith("stillmotion")]
    mounted = {path.split(":")[1] for each in services for path in each.get("volumes", [])}
    (made,) = (step for step in steps("gpu") if step[0] == "install")
    assert mounted == {"/weights"}
    assert mounted < {each for each in made if each.startswith("/")}


def test_caddy_and_the_bucket_have_the_names_that_the_links_have():
    services = compose()["services"]
    options = settings_of(services["worker"]["environment"]).storage_options
    clips = services["caddy"]["environment"]["CLIPS"]
    assert options["endpoint"] == clips
    assert services["caddy"]["networks"]["inside"]["aliases"] == [clips.partition("://")[2]]
    assert services["seaweedfs"]["environment"]["AWS_SECRET_ACCESS_KEY"] == options["secret_access_key"]


@pytest.mark.parametrize("resource", resources(), ids=lambda each: each["kind"])
def test_a_manifest_is_one(resource):
    if resource["kind"] not in CUSTOM:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)


def test_a_wrong_manifest_is_found():
    resource = by_kind("Service")["stillmotion"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(resource | {"spec": {"port": 80}}, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", pods())
def test_a_pod_has_good_settings_and_no_rights(name):
    pod = pods()[name]["spec"]
    (container,) = pod["containers"]
    given = {each["name"]: each["value"] for each in container["env"]}
    secret = {"STILLMOTION_STORE": "postgresql://db/clips", "STILLMOTION_SECRET": "ab" * 32}
    settings = settings_of(by_kind("ConfigMap")["stillmotion"]["data"] | secret | given)
    assert pod["terminationGracePeriodSeconds"] > settings.shutdown_grace
    assert pod["enableServiceLinks"] is False, "its variables are no settings: a start would be refused"
    assert (settings.renderers == 0) is (container["args"] == ["serve"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert {each["mountPath"] for each in container["volumeMounts"]} >= {"/data", "/tmp"}
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def test_a_database_is_migrated_before_a_server_starts_by_its_owner_where_it_has_one():
    (migrate,) = pods()["stillmotion-serve"]["spec"]["initContainers"]
    assert (migrate["image"], migrate["args"]) == ("stillmotion", ["migrate"])
    (owners,) = (each["valueFrom"]["secretKeyRef"] for each in migrate["env"])
    page = PAGE.read_text("utf-8")
    assert f"create secret generic {owners['name']} " in page
    assert owners["optional"] is True, "an installation with one role has no such Secret"
    assert settings_of({owners["key"]: "postgresql://db/clips"}).store == "postgresql://db/clips"
    assert migrate["securityContext"] == pods()["stillmotion-serve"]["spec"]["containers"][0]["securityContext"]


def test_a_pool_of_gpus_is_renewed_within_its_gpus():
    strategy = by_kind("Deployment")["stillmotion-worker-gpu"]["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxUnavailable": 1, "maxSurge": 0}


def test_a_service_links_variable_would_refuse_the_start():
    with pytest.raises(Exception, match="STILLMOTION_SERVICE_HOST"):
        settings_of({"STILLMOTION_SERVICE_HOST": "10.0.0.1"})


def test_selectors_find_their_pods():
    labels = {name: each["metadata"]["labels"] for name, each in pods().items()}
    for name, each in by_kind("Deployment").items():
        assert each["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
    selectors = [
        *(each["spec"]["selector"]["matchLabels"] for each in by_kind("PodDisruptionBudget").values()),
        *(each["spec"]["podSelector"]["matchLabels"] for each in by_kind("NetworkPolicy").values()),
        by_kind("Service")["stillmotion"]["spec"]["selector"],
    ]
    for selector in selectors:
        assert [name for name, each in labels.items() if selector.items() <= each.items()], selector


def test_the_kustomization_names_the_files_and_images():
    text = (DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8")
    named = set(yaml.safe_load(text)["resources"]) | set(re.findall(r"# - (\S+)", text))
    assert named == {each.name for each in MANIFESTS} - {"kustomization.yaml"}
    images = {container["image"] for each in pods().values() for container in each["spec"]["containers"]}
    assert images == {each["name"] for each in yaml.safe_load(text)["images"]}


def test_the_metric_for_another_autoscaler_is_one_of_ours():
    ((metric, engine),) = re.findall(r'`(stillmotion_\w+)\{engine="(.+?)"\}`', PAGE.read_text("utf-8"))
    assert (metric_labels()[metric], engine) == ({"engine"}, EMBEDDED)


def test_the_autoscaler_names_a_deployment_and_a_secret_of_ours():
    (scaled,) = by_kind("ScaledObject").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in by_kind("Deployment")
    (login,) = by_kind("TriggerAuthentication").values()
    assert scaled["spec"]["triggers"][0]["authenticationRef"]["name"] == login["metadata"]["name"]
    (target,) = login["spec"]["secretTargetRef"]
    assert target["key"].removeprefix(PREFIX).lower() in {each.name for each in setting_fields()}


@pytest.mark.parametrize("path", UNITS, ids=lambda each: each.stem)
def test_a_unit_has_good_settings(path):
    unit = parsed(re.sub(r"^#.*$", "", path.read_text("utf-8"), flags=re.MULTILINE))["Service"]
    given = dict(each.split("=", 1) for each in unit["Environment"])
    settings = settings_of({name: re.sub("%i", "0", value) for name, value in given.items()})
    assert settings.secret_file == "%d/secret"
    assert unit["LoadCredential"] == ["secret:/etc/stillmotion/secret"]
    assert float(unit["TimeoutStopSec"][0]) > settings.shutdown_grace


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_has_nothing_to_say_against_the_units(tmp_path):
    for each in UNITS:
        text = each.read_text("utf-8").replace("/srv/stillmotion/venv/bin/stillmotion", shutil.which("true"))
        (tmp_path / each.name).write_text(text)
    paths = [str(tmp_path / each.name) for each in UNITS]
    ran = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_no_file_holds_a_secret_and_every_file_is_looked_at():
    known = {DOCKERFILE, COMPOSE, DEPLOY / "Caddyfile", DEPLOY / "example.env", DEPLOY / "Dockerfile.dockerignore"}
    found = {each for each in DEPLOY.rglob("*") if each.is_file() and each.name != ".env"}
    assert found == known | set(chain(MANIFESTS, UNITS))
    for each in found:
        assert not re.search(r"[0-9a-f]{32}|password=\w", each.read_text("utf-8"), re.IGNORECASE), each
