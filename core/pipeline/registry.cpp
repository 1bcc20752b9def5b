#include "pipeline/registry.hpp"

#include <algorithm>

namespace trunkline::pipeline {
namespace {

constexpr size_t kRemembered = 64;

template <class List>
std::shared_ptr<Processor> find_in(const List& list, tr_processor_id id) {
  for (const auto& processor : list) {
    if (processor->id() == id) return processor;
  }
  return nullptr;
}

}  // namespace

void Registry::add(std::shared_ptr<Processor> processor) {
  const std::lock_guard lock(mutex_);
  ProcessorList::List more = *processors_;
  more.push_back(std::move(processor));
  processors_ = std::make_shared<ProcessorList::List>(std::move(more));
}

std::shared_ptr<Processor> Registry::find(tr_processor_id id) const {
  const std::lock_guard lock(mutex_);
  return find_in(*processors_, id);
}

std::shared_ptr<Processor> Registry::find_removed(tr_processor_id id) const {
  const std::lock_guard lock(mutex_);
  return find_in(removed_, id);
}

std::shared_ptr<Processor> Registry::take(tr_processor_id id) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Processor> taken = find_in(*processors_, id);
  if (taken == nullptr) return nullptr;
  ProcessorList::List rest = *processors_;
  std::erase(rest, taken);
  removed_.push_back(taken);
  processors_ = std::make_shared<ProcessorList::List>(std::move(rest));
  if (removed_.size() > kRemembered) removed_.pop_front();
  return taken;
}

ProcessorList Registry::all() const {
  const std::lock_guard lock(mutex_);
  return ProcessorList(processors_);
}

std::vector<std::shared_ptr<Processor>> Registry::all_known() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Processor>> known = *processors_;
  known.insert(known.end(), removed_.begin(), removed_.end());
  return known;
}

std::vector<std::shared_ptr<Processor>> Registry::removed() const {
  const std::lock_guard lock(mutex_);
  return {removed_.begin(), removed_.end()};
}

std::shared_ptr<Processor> Registry::in_hook() const {
  const Processor* const processor = Processor::in_hook();
  if (processor == nullptr) return nullptr;
  const auto found = find(processor->id());  // in a forked child it is the parent's, and unknown
  return found != nullptr ? found : find_removed(processor->id());
}

std::string Registry::unused_identity(const std::string& identity) const {
  const std::lock_guard lock(mutex_);
  std::string candidate = identity;
  const auto used = [&] {
    return std::any_of(processors_->begin(), processors_->end(),
                       [&](const auto& p) { return p->identity() == candidate; });
  };
  for (int n = 2; used(); ++n) candidate = identity + "#" + std::to_string(n);
  return candidate;
}

}  // namespace trunkline::pipeline
