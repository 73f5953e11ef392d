/* Words that scripts show. They are written, and translated, in templates/_macros/words.html;
 * here they are only looked up. Plural forms are chosen by the language of the page. */

let table = null;

function words() {
  if (table === null) {
    const block = document.getElementById('mw-words');
    table = block ? JSON.parse(block.textContent) : {};
  }
  return table;
}

export function language() {
  return document.documentElement.lang || 'en';
}

/** The words under `key`, with {name} places filled from `values`. */
export function word(key, values = {}) {
  const text = words()[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_whole, name) => String(values[name] ?? ''));
}

/** As `word`, with the plural form that the language asks for (`key.one`, `key.other`, …). */
export function counted(key, n, values = {}) {
  const form = new Intl.PluralRules(language()).select(n);
  const chosen = `${key}.${form}` in words() ? `${key}.${form}` : `${key}.other`;
  return word(chosen, { n: n.toLocaleString(language()), ...values });
}
