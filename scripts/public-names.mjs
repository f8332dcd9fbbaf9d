// What was private, for engines that have no private names.

/**
 * A plugin of Babel: private names become properties with names of their own, one for each class and name. The option `short` gives the
 * shortest ones, and the same to classes of which none extends another; `mark` is a part of them all, where files are handled one by one
 * whose classes extend each other.
 */
export function publicNames({ types: t }, { short = false, mark = "" }) {
  let count = 0;
  /** Of a class: how many names it and those that it extends have. */
  const counts = new Map();
  return {
    visitor: {
      Program(program) {
        program.traverse({ Class: publish });
      },
    },
  };

  function publish(path) {
    const own = new Map();
    if (short) count = counts.get(extended(path)) ?? 0;
    for (const { key } of path.node.body.body) {
      if (key?.type !== "PrivateName" || own.has(key.id.name)) continue;
      own.set(key.id.name, short ? `$${(count++).toString(36)}` : `$${key.id.name}_${mark}${count++}`);
    }
    counts.set(path.node, count);
    if (own.size === 0) return;
    path.traverse({
      Class({ node, buildCodeFrameError }) {
        const hides = node.body.body.some(({ key }) => key?.type === "PrivateName" && own.has(key.id.name));
        if (hides) throw buildCodeFrameError("a private name hides one of an outer class");
      },
      PrivateName(name) {
        const { parent } = name;
        const key = own.get(name.node.id.name);
        if (key === undefined) return;
        if (parent.type === "BinaryExpression") {
          name.replaceWith(t.stringLiteral(key));
        } else if (parent.type === "ClassPrivateProperty" && parent.value === null) {
          name.parentPath.remove();
        } else if (parent.type === "ClassPrivateProperty") {
          name.parentPath.replaceWith(
            t.classProperty(t.identifier(key), parent.value, null, null, false, parent.static),
          );
        } else if (parent.type === "ClassPrivateMethod") {
          const { kind, params, body, async, generator } = parent;
          name.parentPath.replaceWith(
            t.classMethod(kind, t.identifier(key), params, body, false, parent.static, generator, async),
          );
        } else {
          name.replaceWith(t.identifier(key));
        }
      },
    });
  }

  /** The class that this one extends, if it is one of the file. */
  function extended({ node, scope }) {
    const found = t.isIdentifier(node.superClass) && scope.getBinding(node.superClass.name)?.path.node;
    return found && (t.isClass(found) ? found : found.init);
  }
}
