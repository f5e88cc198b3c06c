//! Changes to the text of `template.yaml` that leave everything else as it is, byte for byte.

use crate::Result;

/// The text of the template, line by line.
pub(super) struct Text(Vec<String>);

/// The lines of a function, from its logical id to its last property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    start: usize,
    end: usize,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self(text.split('\n').map(str::to_owned).collect())
    }

    pub(super) fn text(&self) -> String {
        self.0.join("\n")
    }

    /// Whether there is a block of that logical id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.block(id).is_some()
    }

    /// Gives a function these policies instead of its own. Comments stay before the statement on the same action.
    ///
    /// # Errors
    /// When there is no such function.
    pub(super) fn set_policies(&mut self, id: &str, policies: &[String]) -> Result<()> {
        let block = self
            .block(id)
            .ok_or_else(|| format!("template.yaml has no {id}"))?;
        let old = self.property(block, "Policies");
        let lines = match old {
            Some(old) => commented(policies, &self.0[old.start..old.end]),
            None => policies.to_vec(),
        };
        let place = old.unwrap_or(Block {
            start: block.end,
            end: block.end,
        });
        self.0.splice(place.start..place.end, document(&lines));
        Ok(())
    }

    /// Gives a function the variables that it lacks.
    ///
    /// # Errors
    /// When there is no such function.
    pub(super) fn add_variables(&mut self, id: &str, variables: &[(&str, &str)]) -> Result<()> {
        let block = self
            .block(id)
            .ok_or_else(|| format!("template.yaml has no {id}"))?;
        let old = self.property(block, "Environment");
        let has = |name: &str| {
            old.is_some_and(|old| {
                self.0[old.start..old.end]
                    .iter()
                    .any(|line| line.contains(&format!("{name}:")))
            })
        };
        let lacking: Vec<_> = variables.iter().filter(|(name, _)| !has(name)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let mut entries: Vec<String> =
            old.map_or(Vec::new(), |old| variables_of(&self.0[old.start..old.end]));
        entries.extend(
            lacking
                .iter()
                .map(|(name, parameter)| format!("{name}: !Ref {parameter}")),
        );
        let start = self.line_before(block, &["DeadLetterQueue", "Events", "Policies"]);
        let place = old.unwrap_or(Block { start, end: start });
        self.0.splice(place.start..place.end, environment(&entries));
        Ok(())
    }

    /// Adds a function behind another one, or before the comment above a group of functions.
    ///
    /// # Errors
    /// When there is no such place.
    pub(super) fn insert(&mut self, lines: Vec<String>, behind: Option<&str>, or_before: &str) -> Result<()> {
        let place = match behind.and_then(|id| self.block(id)) {
            // The empty line behind a block belongs to it.
            Some(block) => block.end + 1,
            None => self
                .0
                .iter()
                .position(|line| line.starts_with(or_before))
                .ok_or_else(|| format!("template.yaml has no line that begins with {or_before:?}"))?,
        };
        self.0
            .splice(place..place, lines.into_iter().chain([String::new()]));
        Ok(())
    }

    /// Adds lines to a mapping, behind the last entry that it has.
    ///
    /// # Errors
    /// When there is no such mapping.
    pub(super) fn extend(&mut self, mapping: &str, lines: Vec<String>) -> Result<()> {
        let start = self.0.iter().position(|line| line == mapping);
        let start = start.ok_or_else(|| format!("template.yaml has no line {mapping:?}"))?;
        let end = self.end_of(start, indentation(mapping));
        self.0.splice(end..end, lines);
        Ok(())
    }

    pub(super) fn contains(&self, start: &str) -> bool {
        self.0.iter().any(|line| line.starts_with(start))
    }

    /// The lines of a function.
    #[cfg(test)]
    pub(super) fn lines_of(&self, id: &str) -> &[String] {
        let block = self.block(id).unwrap();
        &self.0[block.start..block.end]
    }

    fn block(&self, id: &str) -> Option<Block> {
        let start = self.0.iter().position(|line| line == &format!("  {id}:"))?;
        Some(Block {
            start,
            end: self.end_of(start, 2),
        })
    }

    /// A property with everything below it.
    fn property(&self, block: Block, name: &str) -> Option<Block> {
        let is_it = |line: &String| {
            line.strip_prefix("      ")
                .is_some_and(|line| line.starts_with(&format!("{name}:")))
        };
        let start = block.start + self.0[block.start..block.end].iter().position(is_it)?;
        Some(Block {
            start,
            end: self.end_of(start, 6),
        })
    }

    /// Where the first of these properties begins; the end of the block when it has none.
    fn line_before(&self, block: Block, names: &[&str]) -> usize {
        let starts = names.iter().filter_map(|name| self.property(block, name));
        starts.map(|property| property.start).min().unwrap_or(block.end)
    }

    /// The first line behind `start` that does not belong to it; empty lines and comments at its end do not.
    fn end_of(&self, start: usize, indent: usize) -> usize {
        let inside = self.0[start + 1..]
            .iter()
            .take_while(|line| line.is_empty() || indentation(line) > indent);
        let mut end = start + 1 + inside.count();
        while end > start + 1 && self.0[end - 1].is_empty() {
            end -= 1;
        }
        end
    }
}

/// The lines of `Policies` with the statements of a policy.
pub(super) fn document(statements: &[String]) -> Vec<String> {
    if statements.is_empty() {
        return Vec::new();
    }
    let head = [
        "      Policies:",
        "        - Version: \"2012-10-17\"",
        "          Statement:",
    ]
    .map(str::to_owned);
    head.into_iter()
        .chain(statements.iter().map(|line| format!("            {line}")))
        .collect()
}

/// The lines of `Environment`.
pub(super) fn environment(entries: &[String]) -> Vec<String> {
    let mut lines = vec!["      Environment:".to_owned()];
    match entries {
        [] => return Vec::new(),
        [one] => lines.push(format!("        Variables: {{ {one} }}")),
        many => {
            lines.push("        Variables:".to_owned());
            lines.extend(many.iter().map(|entry| format!("          {entry}")));
        }
    }
    lines
}

/// The entries of the lines of `Environment`.
fn variables_of(lines: &[String]) -> Vec<String> {
    let entries = lines.iter().skip(1).flat_map(|line| {
        let line = line.trim().trim_start_matches("Variables:").trim();
        line.trim_start_matches('{').trim_end_matches('}').split(", ")
    });
    let entries = entries.map(|entry| entry.trim().to_owned());
    entries.filter(|entry| !entry.is_empty()).collect()
}

/// The statements with the comments that stood before a statement on the same action and resource.
fn commented(statements: &[String], old: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, line) in statements.iter().enumerate() {
        let place = statements
            .get(at + 1..at + 3)
            .filter(|_| line.starts_with("- Effect:"));
        if let Some(place) = place {
            let same = (0..old.len()).find(|&start| {
                old[start].trim_start().starts_with("- Effect:")
                    && old.get(start + 1..start + 3).is_some_and(|old| {
                        old.iter()
                            .map(|line| line.trim())
                            .eq(place.iter().map(|line| line.trim()))
                    })
            });
            let comments = old[..same.unwrap_or_default()]
                .iter()
                .rev()
                .take_while(|line| line.trim_start().starts_with('#'));
            let mut comments: Vec<_> = comments.map(|line| line.trim_start().to_owned()).collect();
            comments.reverse();
            lines.extend(comments);
        }
        lines.push(line.clone());
    }
    lines
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests;
