//! Starting and stopping: what has to be there before the first request, in which order, and what a kill must find.

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use local_s3::BucketOptions;
use shared::clock::Clock;
use shared::policy::{Policy, Profile, check_registry};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::aws::{Aws, Parts};
use crate::clock::{Clocks, Time};
use crate::deployment::{Deployment, FILES_BUCKET, LEDGER_BUCKET, Outside, mail_domain};
use crate::dynamodb::Tables;
use crate::error::{DataDirectoryError, StartError};
use crate::external::External;
use crate::iam::learns;
use crate::kms::Kms;
use crate::machine::Machine;
use crate::names::Names;
use crate::schedule::Schedule;
use crate::secrets::{self, Secrets};
use crate::server;
use crate::ses::Ses;

/// How often it is looked whether a schedule is due.
const TICK: Duration = Duration::from_millis(500);

/// How long requests and tasks that run may still take when the stack stops.
const GRACE: Duration = Duration::from_secs(10);

/// Where a stack keeps its data.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory, until it stops.
    Memory,
    /// In a directory, which one stack at a time can use.
    Directory(PathBuf),
    /// In an AWS-compatible service outside this process, at an address such as `127.0.0.1:4566`: what other people
    /// think that AWS does. Each stack has an account of its own there.
    External(String),
}

/// What stack to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose policy is executed.
    pub profile: Profile,
    /// Where the data is.
    pub storage: Storage,
    /// Which clock the functions see.
    pub clock: Clocks,
    /// The API's port on 127.0.0.1, 0 for any that is free; without one the API is reached by
    /// [`Machine::request`](crate::Machine::request) only.
    pub port: Option<u16>,
    /// Whether calls that `template.yaml` does not allow are refused.
    pub enforce_policies: bool,
    /// Whether tasks run by the clock.
    pub schedules: bool,
}

/// A running stack; clones are handles to the same one. It ends when the last handle goes, or by [`Stack::stop`].
#[derive(Clone)]
pub struct Stack {
    machine: Arc<Machine>,
    running: Arc<Running>,
}

struct Running {
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in self
            .tasks
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
        {
            task.abort();
        }
    }
}

impl std::ops::Deref for Stack {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Stack {
    /// Starts a stack. Must run on a Tokio runtime, on which the listeners and schedules then run.
    ///
    /// # Errors
    /// When the port, the data directory, the manifest or the template cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with(options, &|_| {}).await
    }

    /// Starts a stack and says what it is at.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(options: Options, progress: &(dyn Fn(&str) + Sync)) -> Result<Self, StartError> {
        progress("Reading the policy");
        let policy = policy(options.profile)?;
        // The ports come first: whoever has two stacks by mistake learns it before anything is written.
        let api = match options.port {
            Some(port) => Some(listen(port).await?),
            None => None,
        };
        let aws_listener = listen(0).await?;
        let origin = format!("http://127.0.0.1:{}", api.as_ref().map_or(Ok(8787), port_of)?);
        let name_server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let name_server = name_server.map_err(|error| StartError::Port { port: 0, error })?;
        let outside = Outside {
            aws: format!("http://127.0.0.1:{}", port_of(&aws_listener)?),
            name_server: name_server
                .local_addr()
                .map_err(|error| StartError::Port { port: 0, error })?
                .to_string(),
        };
        let directory = match &options.storage {
            Storage::Memory | Storage::External(_) => None,
            Storage::Directory(path) => Some(path.clone()),
        };
        let machine = Arc::new(assemble(&options, policy, (origin, outside), directory, progress).await?);
        let (stop, stopped) = watch::channel(false);
        let (aws, names) = (machine.aws.clone(), machine.names.clone());
        let mut tasks = vec![tokio::spawn(async move {
            tokio::join!(server::serve_aws(aws_listener, aws), names.serve(name_server));
        })];
        if let Some(listener) = api {
            tasks.push(tokio::spawn(server::serve_api(
                listener,
                Arc::clone(&machine),
                stopped.clone(),
            )));
        }
        if machine.schedule.is_some() {
            tasks.push(tokio::spawn(run_schedules(Arc::clone(&machine), stopped)));
        }
        Ok(Self {
            machine,
            running: Arc::new(Running {
                stop,
                tasks: Mutex::new(tasks),
            }),
        })
    }

    /// The stack without its listeners, for one who outlives this handle.
    pub fn machine(&self) -> Arc<Machine> {
        Arc::clone(&self.machine)
    }

    /// Takes no more requests, lets those that run finish, and ends. The directory is free again as soon as nobody
    /// holds a context of this stack any more.
    pub async fn stop(self) {
        // Nobody listens any more when everything has ended already, which is as good.
        let _ = self.running.stop.send(true);
        let mut tasks = {
            let mut tasks = self
                .running
                .tasks
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        if tasks.is_empty() {
            return;
        }
        // The stand-ins listen until the last function has ended.
        let stand_ins = tasks.remove(0);
        for mut task in tasks {
            if tokio::time::timeout(GRACE, &mut task).await.is_err() {
                tracing::warn!("what still runs is cut off");
                task.abort();
                // It was told to end; waiting for that is all there is to do.
                let _ = task.await;
            }
        }
        stand_ins.abort();
        let _ = stand_ins.await;
    }
}

fn policy(profile: Profile) -> Result<Policy, StartError> {
    let policy = profile
        .load()
        .map_err(|errors| StartError::Manifest(errors.to_string()))?;
    let types = shared::stored::classified();
    check_registry(&policy, types).map_err(|errors| StartError::Manifest(errors.join("\n")))?;
    Ok(policy)
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| StartError::Port { port, error })
}

fn port_of(listener: &TcpListener) -> Result<u16, StartError> {
    let address = listener
        .local_addr()
        .map_err(|error| StartError::Port { port: 0, error })?;
    Ok(address.port())
}

async fn assemble(
    options: &Options,
    policy: Policy,
    (origin, outside): (String, Outside),
    directory: Option<PathBuf>,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Machine, StartError> {
    let at = directory.as_deref();
    let (lock, is_new) = match at {
        None => (None, true),
        Some(path) => claim(path, options.profile).map_err(|error| StartError::directory(path, error))?,
    };
    let wrong = |error: DataDirectoryError| StartError::directory(at.unwrap_or(Path::new("")), error);
    let time = Time::open(options.clock.clone(), at).map_err(wrong)?;
    progress("Opening keys and mailbox");
    let kms = at
        .map_or_else(Kms::in_memory, Kms::open)
        .map_err(|error| wrong(error.into()))?;
    let account = match &options.storage {
        Storage::Memory | Storage::Directory(_) => Account::Embedded(kms.clone()),
        Storage::External(address) => {
            let external = External::start(address).await;
            Account::External(external.map_err(|error| StartError::stand_in("The external service", error))?)
        }
    };
    let secrets = Secrets::open(at, options.profile, &account)
        .await
        .map_err(wrong)?;
    let ses = mailbox(at, time.clock()).map_err(|error| wrong(error.into()))?;
    if let Some(path) = at {
        let key = format!("{}\n", secrets.keys.ledger_verifier_key);
        std::fs::write(path.join("ledger.vkey"), key).map_err(|error| wrong(error.into()))?;
    }
    progress("Opening tables and buckets");
    let tables = Tables::open(at).map_err(|error| StartError::stand_in("The table store", error))?;
    let s3 = buckets(at, time.clock(), &account)
        .map_err(|error| StartError::stand_in("The object store", error))?;
    progress("Reading template.yaml");
    let deployment = Deployment::new(options.profile, (&origin, &outside), &secrets, &account);
    let deployment = Arc::new(deployment.map_err(StartError::Template)?);
    let callers = Arc::clone(&deployment);
    let service = local_s3::Service::new(s3.clone(), move |access_key| {
        callers.secret_key(access_key).map(str::to_owned)
    });
    let parts = Parts {
        deployment: Arc::clone(&deployment),
        enforce_policies: options.enforce_policies && !learns(),
        tables: tables.clone(),
        s3: service,
        account: account.clone(),
        ses: ses.clone(),
    };
    let schedule = options
        .schedules
        .then(|| tokio::sync::Mutex::new(Schedule::new(time.now())));
    Ok(Machine {
        profile: options.profile,
        policy,
        origin,
        endpoint: outside.aws,
        directory,
        is_new,
        ledger_verifier_key: secrets.keys.ledger_verifier_key,
        deployment,
        aws: Aws::new(parts),
        time,
        tables,
        s3,
        kms,
        account,
        ses,
        names: Names::default(),
        contexts: Mutex::default(),
        variables: Mutex::default(),
        schedule,
        runs: Mutex::new(VecDeque::new()),
        _lock: lock,
    })
}

/// Takes a data directory for this process, after looking whether it can work in it.
fn claim(path: &Path, profile: Profile) -> Result<(Option<File>, bool), DataDirectoryError> {
    std::fs::create_dir_all(path)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(DataDirectoryError::Locked),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let is_new = secrets::inspect(path, profile)?;
    Ok((Some(lock), is_new))
}

fn mailbox(directory: Option<&Path>, clock: Arc<dyn Clock>) -> std::io::Result<Ses> {
    let clock: crate::ses::Clock = Arc::new(move || clock.now());
    let ses = match directory {
        None => Ses::in_memory(clock),
        Some(directory) => Ses::open(directory, clock)?,
    };
    Ok(ses.verified(mail_domain()))
}

fn buckets(
    directory: Option<&Path>,
    clock: Arc<dyn Clock>,
    account: &Account,
) -> Result<local_s3::Store, local_s3::StoreError> {
    let store = match directory {
        None => local_s3::Store::in_memory()?,
        Some(directory) => local_s3::Store::open(&directory.join("s3"))?,
    };
    store.set_clock(Arc::new(move || SystemTime::from(clock.now())));
    store.create_bucket(
        &account.bucket(FILES_BUCKET),
        BucketOptions {
            versioned: true,
            object_lock: false,
        },
    )?;
    store.create_bucket(
        &account.bucket(LEDGER_BUCKET),
        BucketOptions {
            versioned: true,
            object_lock: true,
        },
    )?;
    Ok(store)
}

async fn run_schedules(machine: Arc<Machine>, mut stopped: watch::Receiver<bool>) {
    loop {
        machine.fire_due().await;
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}
