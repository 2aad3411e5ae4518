"""Kernels with a mistake each, in what the threads of a warp do together; as wrong_kernels.py."""
from tests.cuda.simulator import Divergence, Unwritten

cuda = None  # the simulator's while a test runs


def warps_share(y, x):
    s = cuda.shared.array(64, x.dtype)
    s[cuda.threadIdx.x] = x[0]
    cuda.syncwarp()
    y[cuda.threadIdx.x] = s[(cuda.threadIdx.x + 1) % 64]  # lane 31 reads what the other warp writes


def warps_share_after_both_waited(y, x):
    s = cuda.shared.array(64, x.dtype)
    s[cuda.threadIdx.x] = x[0]
    cuda.syncwarp()
    y[cuda.threadIdx.x] = s[max(cuda.threadIdx.x - 1, 0)]


def read_across_warps_hidden(y, x):
    """Two lanes of warp 0 read after one of warp 1 did, which a barrier of warp 0 does not order."""
    i = cuda.threadIdx.x
    s = cuda.shared.array(64, x.dtype)
    if i == 0:
        s[0] = x[0]
    cuda.syncthreads()
    for k in (33, 1, 2):  # the turns of the lanes, kept by barriers of their own warps
        if i == k:
            y[i] = s[0]
        cuda.syncwarp()
    if i == 2:
        s[0] = x[1]


def lanes_apart(y, x):
    if cuda.laneid == 0:
        cuda.syncwarp()
    else:
        cuda.syncthreads()


def shuffle_beyond_the_mask(y, x):
    if cuda.laneid < 4:
        y[cuda.grid(1)] = cuda.shfl_xor_sync(0xF, x[cuda.laneid], 1)  # which is right
        y[cuda.grid(1)] = cuda.shfl_down_sync(0xF, x[cuda.laneid], 1)


def shuffle_from_beyond_the_block(y, x):
    y[cuda.grid(1)] = cuda.shfl_down_sync(0xFFFFFFFF, x[cuda.laneid], 1)


def shuffle_from_a_thread_that_left(y, x):
    if cuda.laneid != 5:
        y[cuda.grid(1)] = cuda.shfl_sync(0xFFFFFFFF, x[cuda.laneid], 5)


# Of a block of 8 threads.
WRONG = {
    lanes_apart: (Divergence, "thread (0, 0, 0) waits at line"),
    shuffle_beyond_the_mask: (Unwritten, "thread (3, 0, 0) of block (0, 0, 0) asks in line"),
    shuffle_from_beyond_the_block: (Unwritten, "thread (7, 0, 0) of block (0, 0, 0) asks in line"),
    shuffle_from_a_thread_that_left: (Unwritten, "for the value of lane 5, which shows none"),
}
# Races in a block of two warps, by words of the message.
RACES = {warps_share: "reads s[32], written by thread (32, 0, 0)",
         warps_share_after_both_waited: "thread (32, 0, 0) of block (0, 0, 0) reads s[31], written by thread (31, 0, 0)",
         read_across_warps_hidden: "writes s[0], read by thread (33, 0, 0)"}
