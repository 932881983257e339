//! Rust source as tokens with line numbers: identifiers and single punctuation characters.
//!
//! Comments, strings, characters and numbers are dropped, and so is what stands under
//! `#[cfg(test)]`. Not a parser: enough to ask which names a file mentions.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    /// From 1.
    pub line: usize,
}

/// All tokens of a file, tests included.
pub fn tokens(source: &str) -> Vec<Token> {
    let characters: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = characters.get(at) {
        let end = match c {
            '/' if characters.get(at + 1) == Some(&'/') => line_end(&characters, at),
            '/' if characters.get(at + 1) == Some(&'*') => block_comment_end(&characters, at),
            '"' => string_end(&characters, at),
            '\'' => quote_end(&characters, at),
            c if c.is_alphabetic() || c == '_' => {
                let end = word_end(&characters, at);
                let word: String = characters[at..end].iter().collect();
                match raw_string_end(&characters, end, &word) {
                    Some(end) => end,
                    None => {
                        tokens.push(Token { text: word, line });
                        end
                    }
                }
            }
            c if c.is_ascii_digit() => word_end(&characters, at),
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token {
                        text: c.to_string(),
                        line,
                    });
                }
                at + 1
            }
        };
        let end = end.clamp(at + 1, characters.len());
        line += characters[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

/// The tokens that go into the shipped program: items under `#[cfg(test)]` left out.
pub fn shipped(source: &str) -> Vec<Token> {
    let all = tokens(source);
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if starts(&all[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = item_end(&all, at + 7);
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// Whether the tokens begin with these texts.
pub fn starts(tokens: &[Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len()
        && tokens
            .iter()
            .zip(texts)
            .all(|(token, text)| token.text == *text)
}

/// Behind the item that begins here: its closing brace, or its semicolon.
fn item_end(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            ";" if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn line_end(characters: &[char], from: usize) -> usize {
    characters[from..]
        .iter()
        .position(|c| *c == '\n')
        .map_or(characters.len(), |found| from + found)
}

fn block_comment_end(characters: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < characters.len() {
        match (characters[at], characters.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => {
                (at, depth) = (at + 2, depth - 1);
                if depth == 0 {
                    return at;
                }
            }
            (_, _) => at += 1,
        }
    }
    at
}

fn string_end(characters: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(c) = characters.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// A character literal, or the quote alone of a lifetime.
fn quote_end(characters: &[char], from: usize) -> usize {
    match (characters.get(from + 1), characters.get(from + 2)) {
        (Some('\\'), _) => {
            let mut at = from + 3;
            while characters.get(at).is_some_and(|c| *c != '\'') {
                at += 1;
            }
            at + 1
        }
        (Some(_), Some('\'')) => from + 3,
        (_, _) => from + 1,
    }
}

fn word_end(characters: &[char], from: usize) -> usize {
    characters[from..]
        .iter()
        .position(|c| !(c.is_alphanumeric() || *c == '_'))
        .map_or(characters.len(), |found| from + found)
}

/// Behind a raw, byte or C string whose prefix `word` has just been read.
fn raw_string_end(characters: &[char], from: usize, word: &str) -> Option<usize> {
    let next = characters.get(from).copied();
    if matches!(word, "b" | "c") {
        return match next {
            Some('"') => Some(string_end(characters, from)),
            Some('\'') => Some(quote_end(characters, from)),
            Some(_) | None => None,
        };
    }
    if !matches!(word, "r" | "br" | "cr") || !matches!(next, Some('"' | '#')) {
        return None;
    }
    let hashes = characters[from..].iter().take_while(|c| **c == '#').count();
    if characters.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut at = from + hashes + 1;
    while at < characters.len() {
        let closed = characters[at] == '"'
            && characters[at + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes;
        if closed {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(tokens: &[Token]) -> Vec<(&str, usize)> {
        tokens
            .iter()
            .filter(|token| token.text.chars().all(|c| c.is_alphanumeric() || c == '_'))
            .map(|token| (token.text.as_str(), token.line))
            .collect()
    }

    #[test]
    fn comments_strings_and_characters_are_no_names() {
        let source = r####"
// one
/* two /* three */ four */
let five: &'static str = "six \" seven";
let c = 'x'; let d = '\''; let e = b'y'; let u = '\u{1F}';
let raw = r#"eight " nine"#; let bytes = br"ten"; let c = c"eleven";
twelve
"####;
        let expected = [
            ("let", 4),
            ("five", 4),
            ("static", 4),
            ("str", 4),
            ("let", 5),
            ("c", 5),
            ("let", 5),
            ("d", 5),
            ("let", 5),
            ("e", 5),
            ("let", 5),
            ("u", 5),
            ("let", 6),
            ("raw", 6),
            ("let", 6),
            ("bytes", 6),
            ("let", 6),
            ("c", 6),
            ("twelve", 7),
        ];
        assert_eq!(words(&tokens(source)), expected);
    }

    #[test]
    fn items_under_cfg_test_are_left_out() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c[1]; } }\n#[cfg(test)]\nuse d;\nfn e() {}";
        assert_eq!(
            words(&shipped(source)),
            [("fn", 1), ("a", 1), ("fn", 6), ("e", 6)]
        );
    }

    #[test]
    fn unclosed_things_end_with_the_file() {
        for source in [
            "\"a",
            "/* a",
            "r#\"a",
            "'\\",
            "#[cfg(test)] mod a {",
            "b'",
            "r#",
            "'",
        ] {
            shipped(source);
        }
    }
}
