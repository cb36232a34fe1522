/// \file
/// See parallel_for.h.
#pragma once

namespace tbb {

class task_arena {
 public:
  explicit task_arena(int) {}
  template <class Work>
  void execute(const Work& work) {
    work();
  }
};

namespace this_task_arena {

inline int max_concurrency() { return 4; }

template <class Work>
void isolate(const Work& work) {
  work();
}

}  // namespace this_task_arena
}  // namespace tbb
