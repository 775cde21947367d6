"""Functions that break manifests. Each returns a function that changes the objects of a deployment."""
from manifests import find, get, kind

POD, ONE = "spec template spec", "spec template spec containers 0"


def put(which, path, value):
    """Sets a member and creates missing parents."""
    def mutate(objects):
        parent, last = parent_of(find(objects, which), path)
        if isinstance(parent, list):
            parent[int(last)] = value
        else:
            parent[last] = value
    return mutate


def parent_of(one, path):
    *way, last = path.split()
    for part in way:
        one = one[int(part)] if isinstance(one, list) else one.setdefault(part, {})
    return one, last


def drop(which, path):
    def mutate(objects):
        parent, last = parent_of(find(objects, which), path)
        del parent[int(last) if isinstance(parent, list) else last]
    return mutate


def add(which, path, *values):
    """Appends to a list."""
    def mutate(objects):
        parent, last = parent_of(find(objects, which), path)
        parent.setdefault(last, []).extend(values)
    return mutate


def lose(which):
    """Removes the whole object."""
    return lambda objects: objects.remove(find(objects, which))


def again(which, **metadata):
    """Adds a copy."""
    def mutate(objects):
        one = find(objects, which)
        objects.append({**one, "metadata": {**one["metadata"], **metadata}})
    return mutate


def setting(which, name, value=None):
    """Changes or removes a setting."""
    def mutate(objects):
        entries = get(find(objects, which), f"{ONE} env")
        entries[:] = [one for one in entries if one["name"] != name]
        if value is not None:
            entries.append({"name": name, "value": value})
    return mutate


def settings(change):
    """Changes the data of the ConfigMap."""
    def mutate(objects):
        change(kind(objects, "ConfigMap")[0])
    return mutate


def open_to(which, direction):
    """A policy without peers admits all traffic."""
    def mutate(objects):
        for rule in find(objects, which)["spec"][direction]:
            rule.pop("from" if direction == "ingress" else "to")
    return mutate


def policy_for(which, **spec):
    """Adds a network policy to the namespace of another one."""
    def mutate(objects):
        where = find(objects, which)["metadata"]["namespace"]
        objects.append({"kind": "NetworkPolicy", "metadata": {"name": "new", "namespace": where},
                        "spec": {"podSelector": {}} | spec})
    return mutate
