/// \file
/// Shared ownership for public headers: std::shared_ptr costs each includer of <memory> a quarter
/// of a second of compile time, and cannot own an incomplete type that is intrusive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace npymap::detail {

/// Base of what is shared. Counts its owners atomically; is born with one.
class counted {
 public:
  counted() noexcept = default;
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  virtual ~counted() = 0;  // or GCC 12 inlines a guess at it, and warns of a use after free

  // The compiler's builtins, because <atomic> is as heavy as <memory>. The orders are those of
  // every reference count: only the last release must see what the others did.
  void retain() noexcept { __atomic_fetch_add(&owners_, 1, __ATOMIC_RELAXED); }
  void release() noexcept {
    if (__atomic_fetch_sub(&owners_, 1, __ATOMIC_ACQ_REL) == 1) delete this;
  }
  std::int64_t owners() const noexcept { return __atomic_load_n(&owners_, __ATOMIC_ACQUIRE); }

 private:
  std::int64_t owners_ = 1;
};

inline counted::~counted() = default;

/// A pointer that shares a `T : counted`, which may be incomplete until it is dereferenced.
/// As thread-safe as std::shared_ptr: the count is atomic, the pointer itself is not.
template <class T>
class shared {
 public:
  shared() noexcept = default;
  shared(std::nullptr_t) noexcept {}
  /// Take over the ownership that a fresh `new T` was born with.
  static shared adopt(counted* fresh) noexcept { return shared(fresh); }

  shared(const shared& other) noexcept : object_(other.object_) {
    if (object_) object_->retain();
  }
  shared(shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  shared& operator=(shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~shared() {
    if (object_) object_->release();
  }

  explicit operator bool() const noexcept { return object_ != nullptr; }
  T& operator*() const noexcept { return static_cast<T&>(*object_); }
  T* operator->() const noexcept { return &**this; }
  /// How many share the object now; 0 when there is none.
  std::int64_t owners() const noexcept { return object_ ? object_->owners() : 0; }

 private:
  explicit shared(counted* fresh) noexcept : object_(fresh) {}

  counted* object_ = nullptr;
};

}  // namespace npymap::detail
