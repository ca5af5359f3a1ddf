/* The languages that people's devices are set to, by BCP 47 tag. Their names come from the browser's own data. */

const TAGS = (
  "af am ar ar-EG ar-SA az be bg bn bs ca cs cy da de de-AT de-CH el en en-AU en-CA en-GB en-IE en-IN en-NZ en-US en-ZA " +
  "es es-419 es-AR es-CL es-CO es-ES es-MX es-US et eu fa fi fil fr fr-BE fr-CA fr-CH ga gl gu he hi hr hu hy id is it " +
  "it-CH ja ka kk km kn ko ky lo lt lv mk ml mn mr ms mt my nb ne nl nl-BE nn pa pl ps pt pt-BR pt-PT ro ru sd si sk sl " +
  "so sq sr sr-Latn sv sw ta te tg th tk tr ug uk ur uz vi yi zh zh-Hans zh-Hant zh-HK zh-TW zu"
).split(" ");

const english = new Intl.DisplayNames(["en"], { type: "language" });

/** What the language is called in English: Polish, Brazilian Portuguese. */
export function called(tag) {
  try {
    return english.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** What its speakers call it: polski. */
export function autonym(tag) {
  try {
    return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

let every;
const known = () => (every ??= TAGS.map((tag) => ({ tag, called: called(tag), autonym: autonym(tag) })));
const plain = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/** The languages whose tag or one of whose names has `asked` in it; those that begin with it come first. */
export function matching(asked) {
  const wanted = plain(asked.trim());
  const names = (row) => [row.tag, row.called, row.autonym].map(plain);
  const begins = (row) => (names(row).some((name) => name.startsWith(wanted)) ? 0 : 1);
  return known()
    .filter((row) => names(row).some((name) => name.includes(wanted)))
    .toSorted((one, other) => begins(one) - begins(other) || one.called.localeCompare(other.called));
}
