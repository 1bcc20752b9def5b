//! The processors of a scenario: each keeps what it has taken and answers as its rules say.

use crate::compare::Form;
use crate::fields::{Fields, Refused};
use crate::player::Player;
use serde_json::Value as Json;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;
use trunkline::{Batch, Outcome, Processor, ProcessorId, Record, Refusal, Registration, Retained};

pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Take,
    Again,
    Fail,
    Throw,
    Retain,
}

struct Rule {
    of_type: Option<String>,
    of_name: Option<String>,
    answer: Answer,
    times: i64,
    calls: Vec<Json>,
}

impl Rule {
    fn of(json: &Json) -> Result<Self, Refused> {
        let mut fields = Fields::of(json, "an answer")?;
        let mut to = Fields::of(&fields.take("to")?, "what is answered")?;
        let of_type = if to.has("type") { Some(to.text("type")?) } else { None };
        let of_name = if to.has("name") { Some(to.text("name")?) } else { None };
        to.finish()?;
        let answer = match fields.text("answer")?.as_str() {
            "take" => Answer::Take,
            "again" => Answer::Again,
            "fail" => Answer::Fail,
            "throw" => Answer::Throw,
            "retain" => Answer::Retain,
            other => return Err(format!("the unknown answer {other}")),
        };
        let times = fields.integer_or("times", i64::MAX)?;
        let calls = fields.list("calls")?;
        fields.finish()?;
        Ok(Self { of_type, of_name, answer, times, calls })
    }

    fn fits(&self, form: &Form) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|each| form.text(name) == each);
        self.times > 0 && is(&self.of_type, "type") && is(&self.of_name, "name")
    }
}

#[derive(Default)]
struct State {
    taken: Vec<Form>,
    kept: Vec<(Retained, Vec<Form>)>,
}

pub struct Collector {
    pub name: String,
    pub id: Mutex<Option<ProcessorId>>,
    state: Mutex<State>,
    changed: Condvar,
    rules: Mutex<Vec<Rule>>,
    player: Weak<Player>,
}

impl Collector {
    /// It, and what it is added with.
    pub fn of(json: &Json, player: Weak<Player>) -> Result<(Arc<Self>, Registration), Refused> {
        let mut fields = Fields::of(json, "a processor")?;
        let name = fields.text("as")?;
        let shape = fields.text_or("shape", "hooks")?;
        let span_starts = fields.truth_or("span_starts", false)?;
        let batch_size = fields.integer_or("batch_size", 0)?;
        let rules = fields.list("answers")?.iter().map(Rule::of).collect::<Result<_, _>>()?;
        fields.finish()?;
        let made = Arc::new(Self {
            name,
            id: Mutex::new(None),
            state: Mutex::default(),
            changed: Condvar::new(),
            rules: Mutex::new(rules),
            player,
        });
        let hooks = Hooks(made.clone());
        let registration = match shape.as_str() {
            "hooks" => Registration::one_by_one(&made.name, hooks),
            "batch" => Registration::new(&made.name, hooks),
            other => return Err(format!("the unknown shape {other}")),
        };
        let registration = registration.batch_size(batch_size as u32);
        let registration = if span_starts { registration.span_starts() } else { registration };
        Ok((made, registration))
    }

    pub fn taken(&self) -> Vec<Form> {
        self.state.lock().unwrap().taken.clone()
    }

    fn keep(&self, forms: Vec<Form>) {
        self.state.lock().unwrap().taken.extend(forms);
        self.changed.notify_all();
    }

    /// Until it has taken so many; how many there are.
    pub fn wait(&self, records: usize) -> usize {
        let state = self.state.lock().unwrap();
        let (state, _) = self.changed.wait_timeout_while(state, PATIENCE, |state| state.taken.len() < records).unwrap();
        state.taken.len()
    }

    /// Its oldest kept batch, for which it waits.
    pub fn oldest_kept(&self) -> Option<(Retained, Vec<Form>)> {
        let state = self.state.lock().unwrap();
        let (mut state, _) = self.changed.wait_timeout_while(state, PATIENCE, |state| state.kept.is_empty()).unwrap();
        (!state.kept.is_empty()).then(|| state.kept.remove(0))
    }

    pub fn acknowledged(&self, forms: Vec<Form>) {
        self.keep(forms);
    }

    fn answer(&self, form: &Form) -> Answer {
        let (answer, calls) = {
            let mut rules = self.rules.lock().unwrap();
            let Some(rule) = rules.iter_mut().find(|rule| rule.fits(form)) else {
                return Answer::Take;
            };
            rule.times -= 1;
            (rule.answer, rule.calls.clone())
        };
        if let Some(player) = self.player.upgrade() {
            player.play_inside(&calls);
        }
        answer
    }

    fn outcome(answer: Answer) -> Outcome {
        match answer {
            Answer::Take | Answer::Retain => Ok(()),
            Answer::Again => Err(Refusal::Again),
            Answer::Fail => Err("as the scenario wants it".into()),
            Answer::Throw => panic!("as the scenario wants it"),
        }
    }
}

struct Hooks(Arc<Collector>);

impl Processor for Hooks {
    fn on_record(&mut self, record: &Record<'_>) -> Outcome {
        let form = Form::of(record);
        Collector::outcome(self.0.answer(&form))?;
        self.0.keep(vec![form]);
        Ok(())
    }

    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        let forms: Vec<Form> = batch.records().map(|record| Form::of(&record)).collect();
        let answers = forms.iter().map(|form| self.0.answer(form));
        let answer = answers.into_iter().find(|answer| *answer != Answer::Take).unwrap_or(Answer::Take);
        Collector::outcome(answer)?;
        if answer == Answer::Retain {
            let kept = batch.retain().ok_or("not inside the hook")?;
            self.0.state.lock().unwrap().kept.push((kept, forms));
            self.0.changed.notify_all();
        } else {
            self.0.keep(forms);
        }
        Ok(())
    }

    fn on_error(&mut self, _hook: &str, _error: &(dyn std::error::Error + Send + Sync)) {}
}
