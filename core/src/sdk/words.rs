//! The words of a name or a text, names made of them, and the start of a text.

/// Splits at everything that is neither letter nor digit, and where camel case does: `getHTTPUrl-v2` is `get`, `http`,
/// `url`, `v2`. Lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        let starts = c.is_uppercase() && (!previous.is_uppercase() || chars.peek().is_some_and(|next| next.is_lowercase()));
        if !c.is_alphanumeric() || starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `get_invoice`
pub(super) fn snake_case(name: &str) -> String {
    words(name).join("_")
}

/// `getInvoice`
pub(super) fn camel_case(name: &str) -> String {
    let mut text = String::new();
    for word in words(name) {
        let mut chars = word.chars();
        match chars.next() {
            Some(first) if !text.is_empty() => text.extend(first.to_uppercase().chain(chars)),
            _ => text.push_str(&word),
        }
    }
    text
}

/// The start of a text, ending between characters.
pub(super) fn cut(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        let table = [
            ("create_issue", "create_issue", "createIssue"),
            ("createIssue", "create_issue", "createIssue"),
            ("get-invoice", "get_invoice", "getInvoice"),
            ("getHTTPUrl-v2", "get_http_url_v2", "getHttpUrlV2"),
            ("repos/list.all", "repos_list_all", "reposListAll"),
            ("List", "list", "list"),
            ("__proto__", "proto", "proto"),
            ("2fa-check", "2fa_check", "2faCheck"),
            ("ALL", "all", "all"),
            ("--", "", ""),
        ];
        for (name, snake, camel) in table {
            assert_eq!((snake_case(name).as_str(), camel_case(name).as_str()), (snake, camel), "{name}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!((cut("aé", 2), cut("aé", 3), cut("", 9)), ("a", "aé", ""));
    }
}
