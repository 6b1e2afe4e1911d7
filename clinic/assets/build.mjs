// Puts the fonts and icons that the pages use into static/build/, and the fonts that the reports use into
// reporting/fonts/. Both folders are made here, at set-up, and are not part of the repository.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const packages = join(here, "node_modules");
const target = join(root, "static", "build");
const reportFonts = join(root, "reporting", "fonts");

function fresh(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

function interfaceFont() {
  const folder = join(target, "fonts");
  fresh(folder);
  const source = join(packages, "@fontsource-variable", "inter", "files");
  for (const subset of ["latin", "latin-ext", "vietnamese", "cyrillic", "cyrillic-ext", "greek"]) {
    cpSync(join(source, `inter-${subset}-wght-normal.woff2`), join(folder, `inter-${subset}.woff2`));
  }
}

function icons() {
  const names = readFileSync(join(here, "icons.txt"), "utf8").split("\n").filter(Boolean);
  const symbols = names.map((name) => {
    const file = join(packages, "lucide-static", "icons", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`clinic/assets/icons.txt names "${name}", which lucide does not have`);
    const inner = readFileSync(file, "utf8").replace(/[\s\S]*?<svg[^>]*>/, "").replace("</svg>", "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  const head =
    '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" stroke-width="2" ' +
    'stroke-linecap="round" stroke-linejoin="round">';
  writeFileSync(join(target, "icons.svg"), `${head}${symbols.join("\n")}</svg>\n`);
}

function fontsOfReports() {
  fresh(reportFonts);
  const styles = { Regular: "400Regular", Bold: "700Bold", Italic: "400Regular_Italic", BoldItalic: "700Bold_Italic" };
  const families = {
    "noto-sans": ["NotoSans", ["Regular", "Bold", "Italic", "BoldItalic"]],
    "noto-sans-arabic": ["NotoSansArabic", ["Regular", "Bold"]],
    "noto-sans-hebrew": ["NotoSansHebrew", ["Regular", "Bold"]],
    "noto-sans-devanagari": ["NotoSansDevanagari", ["Regular", "Bold"]],
    "noto-sans-thai": ["NotoSansThai", ["Regular", "Bold"]],
    "noto-sans-sc": ["NotoSansSC", ["Regular", "Bold"]],
    "noto-sans-jp": ["NotoSansJP", ["Regular", "Bold"]],
    "noto-sans-kr": ["NotoSansKR", ["Regular", "Bold"]],
  };
  for (const [name, [family, wanted]] of Object.entries(families)) {
    for (const style of wanted) {
      const file = join(packages, "@expo-google-fonts", name, styles[style], `${family}_${styles[style]}.ttf`);
      cpSync(file, join(reportFonts, `${family}-${style}.ttf`));
    }
  }
}

mkdirSync(target, { recursive: true });
interfaceFont();
icons();
fontsOfReports();
