//! The table that the demo ends in.

/// What was shown, and whether it was true.
#[derive(Default)]
pub(crate) struct Report(Vec<(String, bool)>);

impl Report {
    /// Notes one fact and says it at once.
    pub(crate) fn show(&mut self, fact: impl Into<String>, holds: bool) {
        let fact = fact.into();
        println!("  {} {fact}", if holds { "✓" } else { "✗" });
        self.0.push((fact, holds));
    }

    /// Prints the table; true if every fact held.
    pub(crate) fn finish(&self) -> bool {
        let width = self
            .0
            .iter()
            .map(|(fact, _)| fact.chars().count())
            .max()
            .unwrap_or(0);
        println!("\n{:width$}  shown", "what");
        println!("{}  -----", "-".repeat(width));
        for (fact, holds) in &self.0 {
            println!("{fact:width$}  {}", if *holds { "yes" } else { "NO" });
        }
        let held = self.0.iter().filter(|(_, holds)| *holds).count();
        println!("\n{held} of {} shown", self.0.len());
        held == self.0.len()
    }
}
