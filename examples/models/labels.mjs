// A known label space, or some labels of it by name, as a manifest writes labels.

/** The labels of `space` in its order, or those named, in that order. Throws where one is not in it. */
export function labelsOf(space, names = space.labels.map(({ name }) => name)) {
  return names.map((wanted) => {
    const label = space.labels.find(({ name }) => name === wanted);
    if (!label) throw new Error(`found no label "${wanted}" in ${space.name}`);
    const { id, name, synonyms } = label;
    return synonyms.length > 0 ? { id, name, synonyms: [...synonyms] } : { id, name };
  });
}
