// Reads an array of Kubernetes objects from standard input and writes the type errors of each.
//
// The validators of kubernetes-models skip unknown members, so they would not notice a misspelt field. They read the object
// through a proxy that records the members that they access. A member that they never access is unknown.
import { readFileSync } from "node:fs";

const PACKAGES = [
  [/^monitoring\.coreos\.com\//, "@kubernetes-models/prometheus-operator/"],
  [/^/, "kubernetes-models/"],
];

async function modelOf({ apiVersion, kind }) {
  const [, prefix] = PACKAGES.find(([pattern]) => pattern.test(apiVersion));
  try {
    return (await import(`${prefix}${apiVersion}/${kind}`))[kind];
  } catch {
    return undefined;
  }
}

// `unasked` starts with the path of each member. An access removes the path.
function watched(value, path, unasked) {
  if (value === null || typeof value !== "object") return value;
  const members = {};
  for (const [name, member] of Object.entries(value)) {
    unasked.add(`${path}/${name}`);
    members[name] = watched(member, `${path}/${name}`, unasked);
  }
  return new Proxy(value, {
    get(target, name) {
      if (!Object.hasOwn(members, name)) return Reflect.get(target, name);
      unasked.delete(`${path}/${name}`);
      return members[name];
    },
  });
}

async function flawsOf(object) {
  const Model = await modelOf(object);
  if (!Model) return [`there is no ${object.kind} in ${object.apiVersion}`];
  const unasked = new Set();
  const flaws = [];
  try {
    Model.prototype.validate.call(watched(object, "", unasked));
  } catch (error) {
    flaws.push(error.message);
  }
  const isInsideAnother = (path) => [...unasked].some((other) => path.startsWith(`${other}/`));
  for (const path of unasked) {
    if (!isInsideAnother(path)) flaws.push(`${path}: there is no such field`);
  }
  return flaws;
}

const objects = JSON.parse(readFileSync(0, "utf-8"));
const flaws = [];
for (const object of objects) flaws.push(await flawsOf(object));
process.stdout.write(JSON.stringify(flaws));
