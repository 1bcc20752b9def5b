//! A processor of our own beside the local store: a line for each generation as it ends, and the sum when the trace ends.
//! It runs on a thread of the library, so a slow terminal does not hold up the agent.

use trunkline::{Kind, Outcome, Processor, Record, RecordType};

#[derive(Clone, Copy)]
pub struct Price {
    /// Dollars for a million tokens.
    pub input: f64,
    pub output: f64,
}

pub struct CostMeter {
    price: Price,
    generations: u32,
    input: i64,
    output: i64,
    cost: f64,
}

impl CostMeter {
    pub fn new(price: Price) -> Self {
        Self { price, generations: 0, input: 0, output: 0, cost: 0.0 }
    }

    fn generation(&mut self, record: &Record<'_>) {
        let usage = record.usage();
        let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
        let cost = (input as f64 * self.price.input + output as f64 * self.price.output) / 1e6;
        self.generations += 1;
        self.input += input;
        self.output += output;
        self.cost += cost;
        println!(
            "meter: generation {}, {input} tokens in, {output} out, ${cost:.6}, {:.1} ms{}",
            self.generations,
            (record.end_ns() - record.start_ns()) as f64 / 1e6,
            if record.is_failed() { ", failed" } else { "" }
        );
    }
}

impl Processor for CostMeter {
    fn on_record(&mut self, record: &Record<'_>) -> Outcome {
        match record.record_type() {
            RecordType::SPAN_END if record.kind() == Kind::GENERATION => self.generation(record),
            RecordType::TRACE_END => println!(
                "meter: total of {} generations, {} tokens in, {} out, ${:.6}",
                self.generations, self.input, self.output, self.cost
            ),
            _ => {}
        }
        Ok(())
    }
}
