// The processors of an instance, in the order of their registration. The worker offers every block to all of them; ids
// of removed ones stay known for a while, so that their counts can still be read.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/processor.hpp"

namespace trunkline::pipeline {

// The processors of a moment. Copying takes no memory: it is asked for on every pass, and in a shutdown for lack of it.
class ProcessorList {
 public:
  using List = std::vector<std::shared_ptr<Processor>>;

  explicit ProcessorList(std::shared_ptr<const List> list) : list_(std::move(list)) {}
  List::const_iterator begin() const { return list_->begin(); }
  List::const_iterator end() const { return list_->end(); }

 private:
  std::shared_ptr<const List> list_;
};

class Registry {
 public:
  void add(std::shared_ptr<Processor> processor);
  // nullptr: unknown.
  std::shared_ptr<Processor> find(tr_processor_id id) const;
  std::shared_ptr<Processor> find_removed(tr_processor_id id) const;
  std::shared_ptr<Processor> take(tr_processor_id id);
  ProcessorList all() const;
  // Those whose counts can be read: also those that were removed of late.
  std::vector<std::shared_ptr<Processor>> all_known() const;
  std::vector<std::shared_ptr<Processor>> removed() const;
  // The processor one of whose hooks runs on this thread.
  std::shared_ptr<Processor> in_hook() const;
  // An identity not used by another processor: a second of the same name and destination is "...#2".
  std::string unused_identity(const std::string& identity) const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ProcessorList::List> processors_ = std::make_shared<ProcessorList::List>();  // replaced whole
  std::deque<std::shared_ptr<Processor>> removed_;
};

}  // namespace trunkline::pipeline
