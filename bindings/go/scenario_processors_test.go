package trunkline

// The processors of scenarios: they keep what they take, and answer as their rules say.

import (
	"errors"
	"sync"
	"time"
)

const patience = 60 * time.Second

type rule struct {
	kind, name any // nil: any
	answer     string
	times      int64
	calls      []any
}

func ruleOf(given any) *rule {
	f := object(given, "an answer")
	to := object(f.take("to"), "what is answered")
	made := &rule{to.or("type", nil), to.or("name", nil), f.text("answer"), f.number("times", 1<<40), f.list("calls")}
	to.finish()
	f.finish()
	switch made.answer {
	case "take", "again", "fail", "throw", "retain":
		return made
	}
	refuse("the unknown answer %s", made.answer)
	return nil
}

func (r *rule) fits(record *Record) bool {
	return r.times > 0 && (r.kind == nil || r.kind == recordNames[record.Type]) && (r.name == nil || r.name == record.Name)
}

type collector struct {
	player  *player
	name    string
	id      ProcessorID
	rules   []*rule
	lock    sync.Mutex
	changed *sync.Cond
	taken   []Record
	kept    []keptBatch
}

type keptBatch struct {
	batch   *Retained
	records []Record
}

// batches and singles are the two shapes of a collector.
type batches struct{ *collector }
type singles struct{ *collector }

// collectorOf makes a processor and how it is attached.
func (p *player) collectorOf(f *fields) (*collector, Attachment) {
	made := &collector{player: p, name: f.text("as")}
	made.changed = sync.NewCond(&made.lock)
	shape := as[string](f.or("shape", "hooks"), f.what)
	options := []ProcessorOption{Named(made.name), BatchSize(int(f.number("batch_size", 0)))}
	if f.flag("span_starts") {
		options = append(options, SpanStarts())
	}
	for _, each := range f.list("answers") {
		made.rules = append(made.rules, ruleOf(each))
	}
	f.finish()
	if _, twice := p.collectors[made.name]; twice {
		refuse("two processors %s", made.name)
	}
	p.collectors[made.name] = made
	switch shape {
	case "hooks":
		return made, Each(singles{made}, options...)
	case "batch":
		return made, Custom(batches{made}, options...)
	}
	refuse("the unknown shape %s", shape)
	return nil, Attachment{}
}

var errAsWanted = errors.New("as the scenario wants it")

func (c *collector) answer(record *Record) (string, error) {
	for _, each := range c.rules {
		if !each.fits(record) {
			continue
		}
		each.times--
		c.player.playInside(each.calls)
		switch each.answer {
		case "again":
			return "", ErrAgain
		case "fail":
			return "", errAsWanted
		case "throw":
			panic(errAsWanted)
		}
		return each.answer, nil
	}
	return "", nil
}

func (c singles) OnRecord(record *Record) error {
	if _, err := c.answer(record); err != nil {
		return err
	}
	c.keep([]Record{*record})
	return nil
}

func (c batches) OnBatch(batch *Batch) error {
	for i := range batch.Records {
		answer, err := c.answer(&batch.Records[i])
		if err != nil {
			return err
		}
		if answer == "" {
			continue
		}
		if answer == "retain" {
			return c.retain(batch)
		}
		break
	}
	c.keep(batch.Records)
	return nil
}

func (c *collector) retain(batch *Batch) error {
	retained, err := batch.Retain()
	if err != nil {
		return err
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.kept = append(c.kept, keptBatch{retained, batch.Records})
	c.changed.Broadcast()
	return nil
}

func (c *collector) keep(records []Record) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.taken = append(c.taken, records...)
	c.changed.Broadcast()
}

// wait tells whether something becomes true while there is patience.
func (c *collector) wait(done func() bool) bool {
	late := false
	timer := time.AfterFunc(patience, func() {
		c.lock.Lock()
		defer c.lock.Unlock()
		late = true
		c.changed.Broadcast()
	})
	defer timer.Stop()
	c.lock.Lock()
	defer c.lock.Unlock()
	for !done() && !late {
		c.changed.Wait()
	}
	return done()
}

// ack answers for the oldest batch that is kept.
func (c *collector) ack(result error) error {
	if !c.wait(func() bool { return len(c.kept) > 0 }) {
		return ErrTimedOut
	}
	c.lock.Lock()
	oldest := c.kept[0]
	c.kept = c.kept[1:]
	if result == nil {
		c.taken = append(c.taken, oldest.records...)
	}
	c.lock.Unlock()
	return oldest.batch.Ack(result)
}
