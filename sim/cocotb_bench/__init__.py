"""Parts of cocotb benches on an emitted core; `oscc.cocotb` is their public face."""
