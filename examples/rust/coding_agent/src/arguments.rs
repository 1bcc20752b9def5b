//! The command line.

use crate::cost_meter::Price;
use crate::workspace::BUGS;

const USAGE: &str = "usage: coding_agent --bug 1|2|3 [--dir FOLDER] [--max-steps N] [--price IN,OUT]";
const MAX_STEPS: usize = 1000;

pub struct Arguments {
    pub bug: usize,
    pub max_steps: usize,
    pub folder: String,
    pub price: Price,
}

impl Arguments {
    pub fn read() -> Result<Self, String> {
        Self::of(std::env::args().skip(1).collect()).ok_or_else(|| USAGE.into())
    }

    fn of(values: Vec<String>) -> Option<Self> {
        let mut out = Self { bug: 0, max_steps: 60, folder: String::new(), price: Price { input: 0.15, output: 0.60 } };
        for pair in values.chunks(2) {
            let [name, value] = pair else { return None };
            match name.as_str() {
                "--bug" => out.bug = number(value, BUGS)?,
                "--max-steps" => out.max_steps = number(value, MAX_STEPS)?,
                "--price" => out.price = price(value)?,
                "--dir" => out.folder = value.clone(),
                _ => return None,
            }
        }
        (out.bug != 0).then_some(out)
    }
}

fn number(text: &str, most: usize) -> Option<usize> {
    text.parse().ok().filter(|number| (1..=most).contains(number))
}

fn price(text: &str) -> Option<Price> {
    let (input, output) = text.split_once(',')?;
    let price = Price { input: input.parse().ok()?, output: output.parse().ok()? };
    (price.input >= 0.0 && price.output >= 0.0).then_some(price)
}

/// A variable of the environment; an empty one is unset.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
