"""Evaluates network policies by the rules of networking.k8s.io/v1."""
import ipaddress
from dataclasses import dataclass, field

from manifests import get, kind, labels, namespace, pod_labels, ports, selects


@dataclass
class Peer:
    """One end of a connection: a pod of ours, another pod, or an address outside."""

    namespace: str = ""
    namespace_labels: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)
    ports: dict = field(default_factory=dict)
    address: str = ""


def stranger(where, wearing=None, **namespace_labels):
    """A pod that is not in the manifests."""
    return Peer(where, {"kubernetes.io/metadata.name": where} | namespace_labels, wearing or {})


def peer(objects, workload):
    """A pod of the manifests."""
    where = namespace(workload)
    given = next((labels(one) for one in kind(objects, "Namespace") if namespace(one) == where), {})
    return Peer(where, {"kubernetes.io/metadata.name": where} | given, pod_labels(workload), ports(workload))


def is_meant(rule, home, other):
    """Whether an entry of `from` or `to` matches this end."""
    if "ipBlock" in rule:
        block = ipaddress.ip_network(rule["ipBlock"]["cidr"])
        return bool(other.address) and ipaddress.ip_address(other.address) in block
    if other.address:
        return False
    if "namespaceSelector" in rule:
        return selects(rule["namespaceSelector"], other.namespace_labels) and \
            selects(rule.get("podSelector", {}), other.labels)
    return other.namespace == home and selects(rule["podSelector"], other.labels)


def lets_port(rule, target, number, protocol):
    if "ports" not in rule:
        return True
    wanted = [(target.ports.get(one.get("port"), one.get("port")), one.get("protocol", "TCP")) for one in rule["ports"]]
    return (number, protocol) in wanted


def lets(objects, direction, subject, other, number, protocol):
    """Whether the policies of `subject` permit its outgoing (Egress) or incoming (Ingress) connection."""
    own = [one for one in kind(objects, "NetworkPolicy") if namespace(one) == subject.namespace
           and selects(one["spec"]["podSelector"], subject.labels)
           and direction in one["spec"].get("policyTypes", ["Ingress"])]
    target = subject if direction == "Ingress" else other
    rules = [(namespace(one), rule) for one in own for rule in get(one, f"spec {direction.lower()}", [])]
    side = "from" if direction == "Ingress" else "to"
    return not own or any((side not in rule or any(is_meant(entry, home, other) for entry in rule[side]))
                          and lets_port(rule, target, number, protocol) for home, rule in rules)


def passes(objects, source, target, number, protocol="TCP"):
    """The policies of both ends must permit the connection."""
    return lets(objects, "Egress", source, target, number, protocol) and \
        lets(objects, "Ingress", target, source, number, protocol)
