//! What a word can mean to the scan, when it is no name.

/// How a word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A name or a literal.
    Name,
    /// A name, or a word with a meaning where the grammar has a place for it.
    Contextual,
    /// A reserved word that opens nothing by itself; an operand or a declaration follows.
    Reserved,
    /// An operator before its operand.
    Prefix,
    /// `await`, also between `for` and its head.
    Await,
    /// `new`, which guesses at type arguments once more.
    New,
    /// An operator before a type, or a name.
    TypePrefix,
    /// `infer`, whose constraint is guessed at.
    Infer,
    /// `extends` of a class, a type parameter or a conditional type.
    Extends,
    /// An operator between operands.
    Joins,
    /// `var`, whose names are hoisted.
    Var,
    /// `case` and `default`: a statement has ended.
    Case,
    /// `else`.
    Else,
    /// `do`.
    Do,
    /// `if`, `for` and `with`: parentheses and a statement follow.
    Head,
    /// `while`.
    While,
    /// `catch`, `finally`, `implements`: what is before goes on.
    Continues,
    /// `namespace` and `module`.
    Module,
    /// `enum`.
    Enum,
}

/// What `word` can mean, unless it follows a dot.
pub(super) fn classify(word: &str) -> Word {
    match word {
        "typeof" | "void" | "delete" | "yield" => Word::Prefix,
        "await" => Word::Await,
        "new" => Word::New,
        "keyof" | "unique" | "readonly" | "is" | "asserts" => Word::TypePrefix,
        "infer" => Word::Infer,
        "extends" => Word::Extends,
        "in" | "instanceof" | "of" | "as" | "satisfies" => Word::Joins,
        "var" => Word::Var,
        "case" | "default" => Word::Case,
        "else" => Word::Else,
        "do" => Word::Do,
        "if" | "for" | "with" => Word::Head,
        "while" => Word::While,
        "catch" | "finally" | "implements" => Word::Continues,
        "namespace" | "module" => Word::Module,
        "enum" => Word::Enum,
        "return" | "throw" | "const" | "function" | "class" | "import" | "export" | "try" | "switch" | "break"
        | "continue" | "debugger" => Word::Reserved,
        "abstract" | "accessor" | "async" | "declare" | "from" | "get" | "global" | "interface" | "let" | "out"
        | "override" | "private" | "protected" | "public" | "require" | "set" | "static" | "type" | "using" => {
            Word::Contextual
        }
        _ => Word::Name,
    }
}
