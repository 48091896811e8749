// SPDX-License-Identifier: AGPL-3.0-only
#include "host/denied_calls.h"

#ifdef __linux__
#include <sys/syscall.h>

#include <iterator>
#endif

namespace sentiric {

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

namespace {

#define CALL(name) {#name, SYS_##name}

// Numbers from 424 on are the same on all processors; headers of the build may lack those calls.
constexpr DeniedCall kCalls[] = {
    // To reach other machines, services of this one, and containers' control sockets.
    CALL(connect),
    // To become or start another program. (clone is checked by its flags.)
    CALL(execve),
    CALL(execveat),
#ifdef __x86_64__
    CALL(fork),
    CALL(vfork),
#endif
    // To read, change or signal other processes. (kill and tgkill are checked by their target.)
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(kcmp),
    CALL(tkill),
    CALL(rt_sigqueueinfo),
    CALL(rt_tgsigqueueinfo),
    {"pidfd_send_signal", 424},
    {"pidfd_open", 434},
    {"pidfd_getfd", 438},
    {"process_madvise", 440},
    {"process_mrelease", 448},
    // To share memory and messages with them; a process may guess the number of a segment.
    CALL(shmget),
    CALL(shmat),
    CALL(shmctl),
    CALL(msgget),
    CALL(msgsnd),
    CALL(msgrcv),
    CALL(msgctl),
    CALL(semget),
    CALL(semop),
    CALL(semtimedop),
    CALL(semctl),
    CALL(mq_open),
    CALL(mq_unlink),
    // To see another file system.
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(setns),
    CALL(unshare),
    {"open_tree", 428},
    {"move_mount", 429},
    {"fsopen", 430},
    {"fsconfig", 431},
    {"fsmount", 432},
    {"fspick", 433},
    {"mount_setattr", 442},
    {"open_tree_attr", 467},
    // To get around the paths that landlock checks, or to change files without opening them.
    CALL(open_by_handle_at),
    CALL(name_to_handle_at),
    CALL(fanotify_init),
    CALL(mknodat),
    CALL(truncate),
    CALL(fchmod),
    CALL(fchmodat),
    CALL(fchown),
    CALL(fchownat),
    CALL(setxattr),
    CALL(lsetxattr),
    CALL(fsetxattr),
    CALL(removexattr),
    CALL(lremovexattr),
    CALL(fremovexattr),
    {"fchmodat2", 452},
    {"setxattrat", 463},
    {"removexattrat", 466},
    {"file_setattr", 469},
#ifdef __x86_64__
    CALL(mknod),
    CALL(chmod),
    CALL(chown),
    CALL(lchown),
#endif
    // Parts of the kernel that were often broken into. io_uring would also pass this filter by.
    {"io_uring_setup", 425},
    {"io_uring_enter", 426},
    {"io_uring_register", 427},
    CALL(bpf),
    CALL(userfaultfd),
    CALL(perf_event_open),
    CALL(add_key),
    CALL(request_key),
    CALL(keyctl),
    CALL(personality),
    // To administer the machine, for a process of root.
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(reboot),
    CALL(swapon),
    CALL(swapoff),
    CALL(acct),
    CALL(syslog),
    CALL(vhangup),
    CALL(settimeofday),
    CALL(clock_settime),
    CALL(clock_adjtime),
    CALL(adjtimex),
    CALL(sethostname),
    CALL(setdomainname),
    CALL(quotactl),
    {"quotactl_fd", 443},
#ifdef __x86_64__
    {"kexec_file_load", 320},
    CALL(iopl),
    CALL(ioperm),
    CALL(modify_ldt),
#else
    {"kexec_file_load", 294},
#endif
};

#undef CALL

}  // namespace

std::vector<DeniedCall> DeniedCalls() { return {std::begin(kCalls), std::end(kCalls)}; }

#else

std::vector<DeniedCall> DeniedCalls() { return {}; }

#endif

}  // namespace sentiric
