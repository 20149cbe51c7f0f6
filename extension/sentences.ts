/** Finds what the extension says to users in its source: the sentences that can be translated, and any that cannot. */
import ts from 'typescript';

export interface Said {
  /** English messages handed to `t` or `l10n.t`, by which translations are found. */
  readonly messages: ReadonlySet<string>;
  /** Texts that a user would read in English whatever their language, with their line. */
  readonly untranslated: readonly string[];
}

/** Properties and variables of VS Code's whose text is shown. */
const SHOWN = /^(label|title|prompt|placeHolder|detail|description|tooltip|text|message)$/;
/** Functions whose texts are shown. */
const SHOWING = /^(show\w+Message|showQuickPick|showInputBox|setStatusBarMessage|appendMarkdown|appendText)$/;
/** Functions whose texts are for the log, which is in English, or for whoever reads the source. */
const TOLD = /^(trace|debug|info|warn|error|Error|TypeError)$/;
const NAMES: ReadonlySet<string> = new Set(['Foretype']);

export function sentencesIn(source: string, file: string): Said {
  const messages = new Set<string>();
  const untranslated: string[] = [];
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    if (ts.isCallExpression(node) && nameOf(node.expression) === 't') {
      const [message, ...values] = node.arguments;
      if (message && ts.isStringLiteralLike(message)) messages.add(message.text);
      // The one function that hands messages on.
      else if (message?.getText() !== 'message') complain(node);
      values.forEach(visit);
      return;
    }
    if (isText(node) && isEnglish(node)) complain(node);
    ts.forEachChild(node, visit);
  };
  const complain = (node: ts.Node) => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    untranslated.push(`${file}:${line + 1}: ${node.getText()}`);
  };
  visit(tree);
  return { messages, untranslated };
}

type Text = ts.StringLiteralLike | ts.TemplateExpression;

function isText(node: ts.Node): node is Text {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/** A text that is shown must be translated if it has a letter, any other if it reads like a sentence. */
function isEnglish(node: Text): boolean {
  const words = wordsOf(node);
  const pattern = isShown(node) ? /\p{L}/u : /\p{L}{2,} \p{L}/u;
  return pattern.test(words) && !isTold(node);
}

/** The fixed parts of a text, without names of ours and of icons. */
function wordsOf(node: Text): string {
  const parts = ts.isStringLiteralLike(node)
    ? [node.text]
    : [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
  const plain = parts.join('\n').replaceAll(/\$\([\w~-]+\)/g, '');
  return [...NAMES].reduce((text, name) => text.replaceAll(name, ''), plain);
}

/** Whether the text is, or is a part of, what a property, a variable or a function of VS Code's shows. */
function isShown(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isPropertyAssignment(parent))
    return parent.initializer === node && SHOWN.test(parent.name.getText());
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken)
    return parent.right === node && SHOWN.test(nameOf(parent.left));
  if (ts.isCallExpression(parent)) return SHOWING.test(nameOf(parent.expression));
  const passesOn =
    ts.isConditionalExpression(parent) ||
    ts.isParenthesizedExpression(parent) ||
    ts.isBinaryExpression(parent) ||
    ts.isArrayLiteralExpression(parent);
  return passesOn && isShown(parent);
}

function isTold(node: ts.Node): boolean {
  if (ts.isCallExpression(node.parent) || ts.isNewExpression(node.parent))
    return TOLD.test(nameOf(node.parent.expression));
  return false;
}

/** The last name of what is called or assigned to. */
function nameOf(node: ts.Node): string {
  return ts.isPropertyAccessExpression(node) ? node.name.text : node.getText();
}
