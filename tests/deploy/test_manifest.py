"""The Kubernetes manifest, against the part of KubeRay's RayCluster definition (ray.io/v1) that it uses.

Names, types and what is required are those of ray-project/kuberay, ray-operator/apis/ray/v1/raycluster_types.go, from
which helm-chart/kuberay-operator/crds/ray.io_rayclusters.yaml is generated; a key that neither names is refused here.
"""

from pathlib import Path
from typing import Any

import jsonschema
import yaml

MANIFEST = Path(__file__).parents[2] / "deploy" / "kuberay.yaml"


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = required | (optional or {})
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


TEXT, COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
AMOUNTS = {"type": "object", "additionalProperties": TEXT}
CONTAINER = closed(
    {"name": TEXT, "image": TEXT, "resources": closed({"requests": AMOUNTS, "limits": AMOUNTS})},
    {
        "env": {"type": "array", "items": closed({"name": TEXT, "value": TEXT})},
        "volumeMounts": {"type": "array", "items": closed({"name": TEXT, "mountPath": TEXT})},
    },
)
VOLUME = closed({"name": TEXT, "persistentVolumeClaim": closed({"claimName": TEXT})})
POD = closed(
    {"containers": {"type": "array", "items": CONTAINER, "minItems": 1}},
    {"volumes": {"type": "array", "items": VOLUME}},
)
GROUP = {"rayStartParams": AMOUNTS, "template": closed({"spec": POD})}
SPEC = closed(
    {
        "headGroupSpec": closed(GROUP),
        "workerGroupSpecs": {
            "type": "array",
            "items": closed(GROUP | {"groupName": TEXT, "replicas": COUNT, "minReplicas": COUNT, "maxReplicas": COUNT}),
        },
    },
    {"rayVersion": TEXT},
)
CLUSTER = closed(
    {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayCluster"},
        "metadata": closed({"name": TEXT}),
        "spec": SPEC,
    }
)


def test_the_manifest_keeps_the_schema() -> None:
    cluster, claim = yaml.safe_load_all(MANIFEST.read_text())
    jsonschema.validate(cluster, CLUSTER)
    head = cluster["spec"]["headGroupSpec"]["template"]["spec"]
    assert head["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert head["containers"][0]["volumeMounts"][0]["name"] == head["volumes"][0]["name"]


def test_the_manifest_names_the_tested_ray() -> None:
    cluster = next(iter(yaml.safe_load_all(MANIFEST.read_text())))
    constraints = (MANIFEST.parents[1] / "constraints.txt").read_text()
    assert f"ray=={cluster['spec']['rayVersion']}\n" in constraints
