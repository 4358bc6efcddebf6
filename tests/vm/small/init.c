/* PID 1 of a machine that has nothing but kioskd and its shell: no systemd, logind, D-Bus, udev, polkit, passwd or sh. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(char *const command[]) {
    pid_t child = fork();
    if (child == 0) { execv(command[0], command); perror(command[0]); _exit(127); }
    return child;
}

int main(void) {
    mount("proc", "/proc", "proc", 0, 0); mount("sys", "/sys", "sysfs", 0, 0); mount("dev", "/dev", "devtmpfs", 0, 0);
    mount("run", "/run", "tmpfs", 0, "mode=755"); mount("tmp", "/tmp", "tmpfs", 0, 0); mount("var", "/var", "tmpfs", 0, 0);
    setenv("LIBSEAT_BACKEND", "builtin", 1); setenv("KIOSK_RUNTIME_DIR", "/run/kiosk", 1); setenv("NO_COLOR", "1", 1);
    waitpid(start((char *[]){"/usr/bin/kiosk-describe-inputs", NULL}), NULL, 0);
    pid_t kiosk = start((char *[]){"/usr/bin/kioskd", "--", "/usr/bin/weston-eventdemo", "--no-border", "--log-key", "--log-button", NULL});
    int status;
    while (waitpid(-1, &status, 0) != kiosk) {}
    printf("init: kioskd ended, status %x\n", status);
    for (;;) pause();
}
