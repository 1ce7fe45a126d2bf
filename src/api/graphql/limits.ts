import {
  GraphQLError,
  Kind,
  Lexer,
  Source,
  TokenKind,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

/** What one request may ask for. An object costs 1, a list its size times what one of it costs. */
export const limits = {
  tokens: 1000,
  depth: 8,
  cost: 1000,
  aliases: 15,
  /** The fields that an operation begins with: each is what a request of REST is. */
  fields: 10,
  directives: 20,
  selections: 2000,
} as const;

/** Of a list that is asked for without a size. */
export const usualSize = 20;

const tooComplex = (what: string): GraphQLError =>
  new GraphQLError(`The query is too complex: ${what}`, {
    extensions: { code: 'QUERY_TOO_COMPLEX', status: 400, details: [] },
  });

/** Before it is parsed. @throws GraphQLError */
export function refuseManyTokens(query: string): void {
  const lexer = new Lexer(new Source(query));
  for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF; tokens += 1) {
    if (tokens >= limits.tokens) throw tooComplex(`more than ${limits.tokens} words and signs`);
  }
}

/**
 * Walks through each operation, fragments where they are spread, and stops where it is too much: so a
 * cycle ends too. What the schema does not know is judged by other rules.
 */
export const complexityRule =
  (variables: Readonly<Record<string, unknown>>) =>
  (context: ValidationContext): ASTVisitor => ({
    OperationDefinition(operation) {
      try {
        walk(operation, context, variables);
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        context.reportError(error);
      }
      return false;
    },
  });

function walk(
  operation: OperationDefinitionNode,
  context: ValidationContext,
  variables: Readonly<Record<string, unknown>>,
): void {
  const counted = { fields: 0, aliases: 0, directives: 0, selections: 0 };
  const count = (what: keyof typeof counted, more: number): void => {
    counted[what] += more;
    if (counted[what] > limits[what]) throw tooComplex(`more than ${limits[what]} ${what}`);
  };
  const sizeOf = (field: FieldNode): number => {
    const value = field.arguments?.find(({ name }) => name.value === 'size')?.value;
    const asked = value?.kind === Kind.VARIABLE ? variableOf(value.name.value) : value;
    const size = Number(isLiteral(asked) ? asked.value : asked);
    return size >= 1 ? size : usualSize;
  };
  const variableOf = (name: string): unknown => {
    if (Object.hasOwn(variables, name)) return variables[name];
    const definitions = operation.variableDefinitions ?? [];
    return definitions.find(({ variable }) => variable.name.value === name)?.defaultValue;
  };

  /** @param pending the size that a page was asked for with, until its list of items comes */
  const costOf = (
    { selections }: SelectionSetNode,
    type: GraphQLNamedType | undefined,
    depth: number,
    pending: number,
  ): number => {
    if (depth > limits.depth) throw tooComplex(`more than ${limits.depth} levels`);
    let cost = 0;
    count('selections', selections.length);
    for (const selection of selections) {
      count('directives', selection.directives?.length ?? 0);
      if (selection.kind === Kind.FIELD) {
        cost += costOfField(selection, type, depth, pending);
      } else {
        const spread: Pick<FragmentDefinitionNode, 'selectionSet'> | null | undefined =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection
            : context.getFragment(selection.name.value);
        if (spread) cost += costOf(spread.selectionSet, type, depth, pending);
      }
      if (cost > limits.cost) throw tooComplex(`it costs more than ${limits.cost}`);
    }
    return cost;
  };

  const costOfField = (
    field: FieldNode,
    type: GraphQLNamedType | undefined,
    depth: number,
    pending: number,
  ): number => {
    if (depth === 1 && type) count('fields', 1);
    if (field.alias) count('aliases', 1);
    const known = isObjectType(type) ? type.getFields() : {};
    const { name } = field;
    const declared = Object.hasOwn(known, name.value) ? known[name.value] : undefined;
    const inside = declared && getNamedType(declared.type);
    if (!field.selectionSet || isLeafType(inside)) return 0;

    const isList = declared !== undefined && isListType(getNullableType(declared.type));
    const isSized = declared?.args.some((argument) => argument.name === 'size') ?? false;
    const size = isSized ? sizeOf(field) : pending;
    // Introspection goes deep by its nature: graphql-js bounds it by a rule of its own.
    const levels = declared ? 1 : 0;
    const each = 1 + costOf(field.selectionSet, inside, depth + levels, isList ? 1 : size);
    return isList ? size * each : each;
  };

  count('directives', operation.directives?.length ?? 0);
  const root = context.getSchema().getRootType(operation.operation) ?? undefined;
  costOf(operation.selectionSet, root, 1, 1);
}

const isLiteral = (value: unknown): value is { readonly value: unknown } =>
  typeof value === 'object' && value !== null && 'value' in value;

/** The fields that an operation begins with, those of fragments too. */
export function fieldsOf(
  { selectionSet }: Pick<FragmentDefinitionNode, 'selectionSet'>,
  document: DocumentNode,
): number {
  return selectionSet.selections.reduce((sum, selection) => {
    if (selection.kind === Kind.FIELD) return sum + 1;
    if (selection.kind === Kind.INLINE_FRAGMENT) return sum + fieldsOf(selection, document);
    const spread = document.definitions.find(
      (part) => part.kind === Kind.FRAGMENT_DEFINITION && part.name.value === selection.name.value,
    );
    return sum + (spread?.kind === Kind.FRAGMENT_DEFINITION ? fieldsOf(spread, document) : 0);
  }, 0);
}
